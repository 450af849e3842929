"""The admin asks before it destroys, keeps who did what, and shows what people look for."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django_q.models import Failure, Schedule

from tests.running import encode_metadata
from tests.transcription.building import make_job, make_upload, staff_client, within
from transcription.models import Job, LearnedSpeed, State, Transcript
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)
UPLOADS, JOBS = "/admin/uploads/upload/", "/admin/transcription/job/"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


@pytest.fixture
def staff() -> Client:
    return staff_client()


def reader(*permissions: str) -> Client:
    """Somebody of the staff who may only look."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(headers={"host": "localhost", "accept": "text/html"})
    client.force_login(user)
    return client


def act(client: Client, page: str, action: str, *rows: Any, **more: str) -> str:
    """What an action answers, in words."""
    chosen = [str(row.pk) for row in rows]
    form = {"action": action, "_selected_action": chosen, "index": "0", **more}
    return words(client.post(page, form, follow=True))


def words(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text))  # filesizeformat writes blanks that do not break


def logged() -> list[tuple[int, str, str]]:
    rows = LogEntry.objects.order_by("pk")
    return [(row.action_flag, row.object_repr, row.change_message) for row in rows]


def receiving(content: bytes, **facts: Any) -> Upload:
    upload = make_upload(content, length=1000, **facts)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.RECEIVING)
    return upload


@pytest.mark.parametrize(
    ("action", "ends", "loss"),
    [
        ("terminate", 2, "2 uploads will end, 1 of them finished. Their files (8 bytes)"),
        ("expire_now", 1, "1 upload will end. Its file (3 bytes)"),
    ],
)
def test_ending_uploads_asks_first(staff: Client, action: str, ends: int, loss: str) -> None:
    """It names the uploads that will end, not those that are skipped."""
    finished, half = make_upload(b"hello", file_name="a.wav"), receiving(b"abc", file_name="b.wav")
    ended = make_upload(b"", file_name="c.wav", state=UploadState.EXPIRED)
    rows = (half, finished, ended)
    page = act(staff, UPLOADS, action, *rows)
    assert f"{loss} will be removed" in page and "Of the 3 selected uploads" in page
    assert [name for name in ("b.wav", "a.wav", "c.wav") if name in page] == ["b.wav", "a.wav"][
        :ends
    ]
    assert store().held(half.id.hex) == 3 and logged() == []  # it was a question

    page = act(staff, UPLOADS, action, *rows, agreed="2")  # there are more than somebody saw
    assert "will be removed" in page and store().held(half.id.hex) == 3

    act(staff, UPLOADS, action, *rows, agreed="3")
    assert {row.state for row in Upload.objects.all()} & {"terminated", "expired"}
    kept = [half, finished][ends:]
    assert [store().held(upload.id.hex) for upload in kept] == [5] * len(kept)
    assert (CHANGE, "b.wav", page_of(action, 3)) in logged() and len(logged()) == ends
    assert page_of(action, 3) in words(staff.get(f"{UPLOADS}{half.pk}/history/"))


@pytest.mark.parametrize(
    ("action", "said"), [("terminate", "0 terminated"), ("expire_now", "0 expired")]
)
def test_nothing_is_asked_where_nothing_would_end(staff: Client, action: str, said: str) -> None:
    page = act(staff, UPLOADS, action, make_upload(b"", state=UploadState.EXPIRED))
    assert said in page and "will be removed" not in page and logged() == []


def page_of(action: str, size: int) -> str:
    before = "finished" if size == 5 else "receiving"
    after = "terminated" if action == "terminate" else "expired"
    return f"State: {before} → {after}. Bytes removed: {size}."


def test_an_extended_upload_keeps_its_last_activity(staff: Client) -> None:
    upload = receiving(b"abc")
    before = Upload.objects.get()
    assert "1 extended" in act(staff, UPLOADS, "extend", upload)
    after = Upload.objects.get()
    assert after.last_activity == before.last_activity and after.expires is not None
    ((_, _, what),) = logged()
    assert what.startswith("Expires: ") and f"→ {after.expires:%Y-%m-%d %H:%M:%S}" in what


def test_deleting_jobs_asks_first(staff: Client) -> None:
    done = make_job(upload=make_upload(b"hello"), state=State.COMPLETED, file_name="talk.mp3")
    Transcript.objects.create(job=done, segments=[])
    waiting = make_job(upload=make_upload(b"abc"))
    page = act(staff, JOBS, "delete_with_recording", done, waiting)
    assert "2 jobs will be deleted, with 1 transcript and 2 recordings (8 bytes)" in page
    assert "Still waiting or running: 1." in page and Job.objects.count() == 2
    page = act(staff, JOBS, "delete_with_recording", done, waiting, agreed="2")
    assert "2 deleted." in page and not Job.objects.exists()
    assert (DELETION, "talk.mp3", "State: done → deleted. Bytes of the recording: 5.") in logged()
    assert "talk.mp3" in words(staff.get("/admin/"))  # recent actions


def test_what_else_staff_do_is_logged_too(staff: Client) -> None:
    job = make_job(state=State.FAILED, params={})
    act(staff, JOBS, "run_again", job)
    act(staff, JOBS, "cancel", job)
    schedule = Schedule.objects.get(func="uploads.tasks.cleanup")
    act(staff, "/admin/django_q/schedule/", "pause", schedule)
    act(staff, "/admin/django_q/schedule/", "resume", schedule)
    assert [what for *_, what in logged()] == [
        *("State: failed → waiting.", "State: waiting → cancelled."),
        *("State: running → paused.", "State: paused → running."),
    ]


def test_metadata_is_shown_decoded(staff: Client) -> None:
    said = {"filename": "Grössen <b>.wav", "language": "lv", "odd": b"\xff\x00", "empty": ""}
    upload = make_upload(b"", metadata=said)
    page = words(staff.get(f"{UPLOADS}{upload.pk}/change/"))
    for pair in ("filename Grössen <b>.wav", "language lv", r"odd \xff\x00"):
        assert pair in page, pair
    assert encode_metadata({"language": "lv"}).partition(" ")[2] not in page
    Upload.objects.update(metadata="filename !!!")  # as older versions may have kept it
    assert "filename !!!" in words(staff.get(f"{UPLOADS}{upload.pk}/change/"))


def test_an_upload_leads_to_its_job_for_those_who_may_see_it(staff: Client) -> None:
    upload = make_upload(b"", file_name="talk.mp3")
    job = make_job(upload=upload, state=State.FAILED)
    address = f"{JOBS}{job.pk}/change/"
    looker = reader("view_upload")
    for page in (UPLOADS, f"{UPLOADS}{upload.pk}/change/"):
        assert f'href="{address}">failed</a>' in staff.get(page).content.decode(), page
        seen = looker.get(page)
        assert b"talk.mp3" in seen.content and address.encode() not in seen.content, page
    assert words(staff.get(f"{UPLOADS}{make_upload(b'').pk}/change/")).count("Job: –") == 1


def test_why_something_failed_stands_in_its_list(staff: Client) -> None:
    make_upload(b"", state=UploadState.REFUSED, failure="It is a PNG picture.")
    make_job(state=State.FAILED, error="The file is damaged.")
    times = {"started": "2030-01-01T00:00Z", "stopped": "2030-01-01T00:00Z"}
    trace = "Traceback (most recent call last):\n  File\nRuntimeError: out of patience"
    Failure.objects.create(id="x", name="x", func="f", success=False, result=trace, **times)
    assert "It is a PNG picture." in words(staff.get(UPLOADS))
    assert "The file is damaged." in words(staff.get(JOBS))
    assert "RuntimeError: out of patience" in words(staff.get("/admin/django_q/failure/"))


def test_those_who_may_only_look_get_no_buttons() -> None:
    """Neither in the admin nor on the pages; their owners keep theirs."""
    looking = ("view_job", "view_upload", "view_cleanuprun")
    looker = reader(*looking)
    job = make_job(state=State.QUEUED)
    ended = make_job(state=State.COMPLETED)
    unowned = receiving(b"abc")
    for one in (job, ended):
        page = looker.get(f"/jobs/{one.pk}").content.decode()
        assert "<form" in page  # of the logout
        for word in ("/cancel", "/rerun", "/delete", "<dialog"):
            assert word not in page, word
        facts = looker.get(f"/jobs/{one.pk}.json").json()
        assert not (facts["can_cancel"] or facts["can_rerun"] or facts["can_delete"])
    listed = looker.get("/jobs.json").json()["uploads"]
    assert [(one["id"], one["can_discard"]) for one in listed] == [(unowned.id.hex, False)]
    for path in (UPLOADS, JOBS, "/admin/uploads/cleanuprun/"):
        text = looker.get(path).content.decode()
        for word in ('name="action"', "Clean up now", "Cleanup schedule"):
            assert word not in text, (path, word)
    page = looker.get(f"{JOBS}{job.pk}/change/").content.decode()
    assert "/admin/transcription/stageoutput/" not in page
    own = make_job(upload=make_upload(b"", owner=User.objects.get(username="reader")))
    assert looker.get(f"/jobs/{own.pk}.json").json()["can_delete"]
    assert staff_client().get(f"/jobs/{job.pk}.json").json()["can_cancel"]


def test_a_rows_own_page_has_the_actions_of_the_list(staff: Client) -> None:
    upload = receiving(b"abc", file_name="b.wav")
    page = staff.get(f"{UPLOADS}{upload.pk}/change/").content.decode()
    (form,) = re.findall(r'<form class="row-actions".*?</form>', page, re.DOTALL)
    names = re.findall(r'name="action" value="(\w+)"', form)
    assert names == ["terminate", "expire_now", "extend", "verify"]
    (address,) = re.findall(r'action="([^"]+)"', form)
    assert "1 extended; 0 skipped" in act(staff, address, "extend", upload)
    said = act(staff, address, "verify", upload)
    assert "Verified b.wav: 3 bytes are there, 3 must be." in said
    with open(store().path(upload.id.hex), "wb"):
        pass  # what was there is lost
    assert "Verified b.wav: 0 bytes are there, 3 must be." in act(staff, address, "verify", upload)
    looks = reader("view_upload").get(f"{UPLOADS}{upload.pk}/change/").content.decode()
    assert "b.wav" in looks and 'name="action"' not in looks


def test_jobs_are_found_by_their_engine(staff: Client) -> None:
    make_job(file_name="done.mp3", engine_used="an-old-engine")
    make_job(file_name="new.mp3")
    LearnedSpeed.objects.create(
        stage="transcribe", engine="an-old-engine", audio_seconds=1, work_seconds=1
    )
    (by_engine,) = re.findall(r"By engine(.*?)</details>", staff.get(JOBS).content.decode(), re.S)
    found = dict(re.findall(r'href="\?engine_used=([\w-]+)"[^>]*>([^<]+)<', by_engine))
    assert found.keys() >= {"an-old-engine", "faster-whisper"} and found["none"] == "none yet"
    old, none = (words(staff.get(f"{JOBS}?engine_used={n}")) for n in ("an-old-engine", "none"))
    assert "done.mp3" in old and "new.mp3" not in old
    assert "new.mp3" in none and "done.mp3" not in none

"""Which jobs may go first: asked for by clients of each door, changed by staff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.running import encode_metadata
from tests.site.staff_clients import signed_in, someone, with_key
from tests.speech import recordings
from tests.transcription.building import make_job, make_upload, staff_client, within
from transcription.models import Job, JobEvent, Priority, State
from transcription.services.jobs import leases
from transcription.services.jobs.submit import submit_upload

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/transcription/job/"
FOR_STAFF = "High priority is for staff"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


@pytest.fixture
def sound(tmp_path: Path) -> bytes:
    return recordings.write(tmp_path / "go.wav", recordings.speech()).read_bytes()


def post(client: Client, path: str, sound: bytes) -> Any:
    return client.post(path, {"file": SimpleUploadedFile("go.wav", sound)})


def create(client: Client, priority: str, sound: bytes) -> Any:
    """A tus upload that is whole at once."""
    metadata = encode_metadata({"filename": "go.wav", "priority": priority})
    return client.post(
        "/uploads/files/",
        sound,
        content_type="application/offset+octet-stream",
        headers={"upload-length": str(len(sound)), "upload-metadata": metadata},
    )


def prioritizer() -> User:
    return someone("prioritizer", "prioritize_job", staff=False)


@pytest.mark.starts
@pytest.mark.parametrize("word", ["low", "normal"])
def test_everybody_may_ask_for_low_and_normal(word: str, sound: bytes) -> None:
    client = with_key(someone("plain", staff=False))
    for answer in (
        create(client, word, sound),
        post(client, f"/speech-to-text?priority={word}", sound),
        post(client, f"/service/transcribe?priority={word}", sound),
    ):
        assert answer.status_code in (200, 201), answer.content
    assert [job.get_priority_display() for job in Job.objects.all()] == [word] * 3
    job = Job.objects.filter(task_type="full_process").first()
    assert job and "priority" not in (job.params or {}) and "priority" not in job.options


def test_high_is_refused_before_a_byte_is_kept(sound: bytes) -> None:
    """By its sentence; nobody's upload waits for a priority that it will not get."""
    for client in (with_key(someone("plain", staff=False)), signed_in(someone("b", staff=False))):
        answer = post(client, "/speech-to-text?priority=high", sound)
        assert answer.status_code == 403 and FOR_STAFF in answer.json()["detail"]
    answer = create(with_key(someone("another", staff=False)), "high", sound)
    assert answer.status_code == 403 and FOR_STAFF in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.starts
@pytest.mark.parametrize("of_staff", [True, False])
def test_high_is_for_staff_and_for_keys_of_users_with_the_permission(
    of_staff: bool, sound: bytes
) -> None:
    client = with_key(someone("boss") if of_staff else prioritizer())
    assert create(client, "high", sound).status_code == 201
    assert post(client, "/speech-to-text?priority=high", sound).status_code == 200
    assert {job.priority for job in Job.objects.all()} == {Priority.HIGH}


def test_an_unknown_word_is_told_the_three(sound: bytes) -> None:
    client = with_key(someone("plain", staff=False))
    answer = create(client, "urgent", sound)
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "priority" in said and all(word in said for word in ("low", "normal", "high"))
    answer = post(client, "/speech-to-text?priority=urgent", sound)
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["loc"]) == (422, ["query", "priority"])
    assert fault["msg"] == "Input should be 'low', 'normal' or 'high'"


def test_what_its_owner_may_not_have_any_more_is_lowered_and_noted(sound: bytes) -> None:
    """The permission was taken away while the file was on its way."""
    owner = prioritizer()
    upload = make_upload(sound, owner=owner, metadata={"priority": "high"})
    owner.user_permissions.clear()
    job = submit_upload(upload.pk)
    assert job and job.priority == Priority.NORMAL
    assert "may not have it" in JobEvent.objects.get(job=job).what


def act(client: Client, action: str, *jobs: Job) -> str:
    form = {"action": action, "_selected_action": [str(job.pk) for job in jobs]}
    answer: Any = client.post(LIST, form, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_staff_changes_who_goes_first() -> None:
    first, second = make_job(turn="a"), make_job(turn="a")
    ended = make_job(turn="a", state=State.COMPLETED)
    staff = staff_client()
    page = act(staff, "high_priority", second, ended)
    assert "1 changed to high priority; 1 skipped" in page
    assert LogEntry.objects.get().change_message == "Priority: normal → high."
    assert [event.what for event in second.events.all()] == ["Priority: high."]
    assert "skipped" in act(staff, "high_priority", second)  # it has it already
    found = staff.get(f"{LIST}?priority__exact=1").content.decode()
    assert str(second.pk) in found and str(first.pk) not in found
    claimed = leases.claim_next()
    assert claimed and claimed.pk == second.pk
    act(staff, "low_priority", first)
    act(staff, "normal_priority", second)
    assert [Job.objects.get(pk=job.pk).priority for job in (first, second)] == [-1, 0]


def test_who_may_only_look_changes_nothing() -> None:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    job = make_job()
    act(signed_in(user), "high_priority", job)
    assert Job.objects.get().priority == Priority.NORMAL and not LogEntry.objects.exists()

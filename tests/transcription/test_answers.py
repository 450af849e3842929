"""What API, pages and admin answer, asked within one process."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from transcription.models import Job, JobEvent, Stage, State, Transcript
from uploads.models import State as UploadState

from .building import make_job, make_upload, staff_client, within

pytestmark = pytest.mark.django_db(transaction=True)
ROW = [
    *("identifier", "status", "task_type", "file_name", "url", "audio_duration", "language"),
    *("error", "duration", "start_time", "end_time"),
]
METADATA = [
    *("task_type", "task_params", "language", "file_name", "url", "callback_url", "duration"),
    *("audio_duration", "start_time", "end_time"),
]
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


@pytest.fixture
def client() -> Client:
    """Is signed in as staff, and reports a 500 instead of raising it."""
    client = staff_client()
    client.raise_request_exception = False
    return client


def ended(**facts: Any) -> Job:
    now = timezone.now().replace(microsecond=0)
    facts = {
        "state": State.COMPLETED,
        "started": now,
        "finished": now + timedelta(seconds=2),
    } | facts
    job = make_job(**facts)
    Transcript.objects.create(job=job, segments=[{"start": 0.0, "end": 1.0, "text": "hello"}])
    return job


@pytest.mark.parametrize("state", list(State))
def test_task_answers(client: Client, state: State) -> None:
    job = ended(state=state, error="broken" if state == State.FAILED else "")
    task = client.get(f"/task/{job.pk}").json()
    (row,) = client.get("/task/all").json()["tasks"]
    assert list(task) == ["status", "result", "metadata", "error"]
    assert list(task["metadata"]) == METADATA and list(row) == ROW
    done, failed = state in ("completed", "warnings"), state in ("failed", "cancelled")
    known = {"warnings": "completed", "cancelled": "failed"}
    for answer, facts in ((task, task["metadata"]), (row, row)):
        assert answer["status"] == known.get(state, state)
        assert bool(answer["error"]) == failed
        assert facts["duration"] == (2.0 if done else None)
        assert (facts["start_time"] is None) == (state == State.QUEUED)
        assert (facts["end_time"] is None) == (not done)
        assert facts["language"] == "auto"  # none was asked for
        if done:
            assert facts["end_time"].endswith(".000000+00:00")
    segments = [{"start": 0.0, "end": 1.0, "text": "hello", "words": []}]
    assert task["result"] == ({"segments": segments, "word_segments": []} if done else None)


@pytest.mark.parametrize(
    "path",
    ["/task/all", "/task/x", "/tasks/x/progress", "/health", "/health/live", "/health/ready"],
)
def test_methods_slashes_and_request_ids(client: Client, path: str) -> None:
    for method in ("head", "options", "post", "put", "patch", "delete"):
        refused = getattr(client, method)(path)
        assert refused.status_code == 405, method
        assert refused["Allow"] == "GET"
        assert method == "head" or refused.json() == {"detail": "Method Not Allowed"}
    answer = client.get(path + "/?page=1&x=%20")
    assert (answer.status_code, answer["Location"]) == (307, path + "?page=1&x=%20")
    for said in ("mine", "a" * 300, "\x01", ""):
        got = client.get(path, headers={"X-Request-ID": said})["X-Request-ID"]
        assert got == said if said.isalpha() else uuid.UUID(got)
    for accept in ("text/html", "image/png", "nonsense", "application/json;q=0"):
        answer = client.get(path + "?format=xml", headers={"accept": accept})
        assert answer.status_code == (404 if "x" in path else 200)
        assert answer["Content-Type"] == "application/json"


@pytest.mark.slow
def test_ten_thousand_tasks_are_one_query(client: Client) -> None:
    Job.objects.bulk_create([Job(file_name=f"{number}.wav") for number in range(10_000)])
    with CaptureQueriesContext(connection) as queries:
        rows = client.get("/task/all").json()["tasks"]
    of_jobs = [query for query in queries if "transcription_job" in query["sql"]]
    assert len(rows) == 10_000 and len(of_jobs) == 1


@pytest.mark.slow
def test_polling_loads_no_transcript(client: Client) -> None:
    job = ended()
    for path in (f"/jobs/{job.pk}.json", f"/jobs/{job.pk}", f"/tasks/{job.pk}/progress", "/"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path, headers=HTML).status_code == 200
        assert not loads_transcript(queries), path
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/task/{job.pk}").json()["result"]
    assert loads_transcript(queries)


def loads_transcript(queries: CaptureQueriesContext) -> bool:
    return any('"segments"' in query["sql"] for query in queries)


def test_ready_says_when_the_database_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*facts: Any, **more: Any) -> None:
        raise OperationalError("no connection")

    assert client.get("/health/ready").json()["database"] == "connected"
    with monkeypatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "cursor", away)
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert list(answer.json()) == ["status", "database", "gpu", "message", "problem"]
    assert answer.json()["database"] == "disconnected"
    assert answer.json()["problem"] == "The database doesn't answer."
    assert client.get("/health").status_code == client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    "accept, is_page",
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("*/*", False),
        (None, False),
        ("application/json", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=0.2, */*;q=0.9", False),
        ("nonsense", False),
        (";;q=x,,", False),
    ],
)
def test_front_door(client: Client, accept: str | None, is_page: bool) -> None:
    answer = client.get("/", headers={"accept": accept} if accept else None)
    assert answer.status_code == (200 if is_page else 307)
    assert "Accept" in answer["Vary"]
    assert is_page or answer["Location"] == "/docs"


def test_actions_on_what_is_not_there(client: Client) -> None:
    for action in ("cancel", "rerun", "delete"):
        assert client.post(f"/jobs/{uuid.uuid4()}/{action}").status_code == 404
        assert client.get(f"/jobs/{uuid.uuid4()}/{action}").status_code == 405
    assert client.post("/").status_code == client.post("/jobs.json").status_code == 405


@pytest.mark.parametrize("values", [{"language": "xx"}, {"model": "x" * 10**5}, {"model": "/etc"}])
def test_rerun_with_what_nobody_knows(client: Client, values: dict[str, str]) -> None:
    job = ended()
    for accept in ("text/html", "application/json"):
        refused = client.post(f"/jobs/{job.pk}/rerun", values, headers={"accept": accept})
        assert refused.status_code == 422 and len(refused.content) < 5000
    assert client.post(f"/jobs/{job.pk}/rerun", {"language": "auto"}).status_code == 200
    assert client.post(f"/jobs/{job.pk}/rerun").status_code == 409


def test_names_of_downloads_are_harmless(client: Client) -> None:
    for name in ('a"b\\c.wav', "x" * 250 + ".wav", "😀 ü.wav", "a;b=c%0d%0a.wav", ".wav", ""):
        answer = client.get(f"/jobs/{ended(file_name=name).pk}/export.srt")
        assert answer.status_code == 200, name
        assert answer["Content-Disposition"].startswith("attachment; filename")
        assert len(answer["Content-Disposition"]) < 1000


def test_people_see_their_own_and_staff_see_all(client: Client) -> None:
    ann, bob = (User.objects.create_user(name) for name in ("ann", "bob"))
    staff = User.objects.create_superuser("boss")
    unfinished: dict[str, Any] = {"state": UploadState.RECEIVING, "length": 9, "finished": None}
    job = ended(upload=make_upload(owner=ann))
    make_upload(owner=ann, file_name="half.wav", **unfinished)
    make_upload(owner=None, file_name="ownerless.wav", **unfinished)
    for person, sees, sees_half in ((ann, True, True), (bob, False, False), (staff, True, False)):
        client.force_login(person)
        assert (client.get(f"/jobs/{job.pk}", headers=HTML).status_code == 200) == sees
        listed = client.get("/jobs.json").json()
        names = {upload["filename"] for upload in listed["uploads"]}
        assert bool(listed["jobs"]) == sees and ("half.wav" in names) == sees_half
        # What was sent while no login was needed is the staff's to resume.
        assert ("ownerless.wav" in names) == (person == staff)
    assert client.get(f"/jobs/{job.pk}.json").json()["media_url"]


@pytest.mark.slow
def test_admin_of_jobs(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    for number, state in enumerate(State):
        job = ended(state=state, error="x" * 3000, file_name=f"{number}<b>.wav")
        JobEvent.objects.create(job=job, what="<script>")
    Job.objects.create(file_name="without recording", owner=None)
    with CaptureQueriesContext(connection) as few:
        assert client.get("/admin/transcription/job/").status_code == 200
    for number in range(20):
        ended(
            file_name=f"{number}.wav",
            upload=make_upload(owner=User.objects.create(username=str(number))),
        )
    with CaptureQueriesContext(connection) as many:
        assert client.get("/admin/transcription/job/").status_code == 200
    assert len(many) <= len(few) + 1
    for job in Job.objects.all():
        page = client.get(f"/admin/transcription/job/{job.pk}/change/")
        assert page.status_code == 200 and b"<script>\n" not in page.content
    for query in (
        f"q={job.pk}",
        f"q={job.pk.hex[:8]}",
        "q=%00",
        "created__year=2026",
        "state__exact=x",
    ):
        assert client.get(f"/admin/transcription/job/?{query}").status_code == 200, query
    address = "/admin/transcription/job/"
    chosen = [str(job.pk) for job in Job.objects.all()]
    for action in ("cancel", "run_again", "delete_with_recording"):
        form = {"action": action, "_selected_action": chosen, "agreed": str(len(chosen))}
        assert client.post(address, form).status_code == 302, action
    assert not Job.objects.exists()


def test_admin_actions_need_the_permission(client: Client) -> None:
    from django.contrib.auth.models import Permission

    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_job"))
    client.force_login(reader)
    job = ended()
    address = "/admin/transcription/job/"
    assert client.get(address).status_code == 200
    form = {"action": "delete_with_recording", "_selected_action": [str(job.pk)], "agreed": "1"}
    client.post(address, form)
    assert Job.objects.filter(pk=job.pk).exists()


PATHS = st.sampled_from(
    [
        *("/{}", "/task/{}", "/tasks/{}/progress", "/jobs/{}", "/jobs/{}.json", "/jobs/{}/cancel"),
        *(
            "/jobs/%s/export.{}",
            "/task/{}/",
            "/jobs.json?limit={}",
            "/jobs.json?before={}",
            "/?q={}",
            "/?{}",
            "/health/{}",
            "/task/all?{}",
        ),
    ]
)
BYTES = st.binary(max_size=30).map(lambda raw: raw.decode("latin-1"))
TEXT = st.one_of(st.text(max_size=40), BYTES)


@pytest.mark.slow
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=PATHS, text=TEXT, header=BYTES, method=st.sampled_from(["get", "post", "head"]))
def test_nothing_makes_a_500(
    client: Client, path: str, text: str, header: str, method: str
) -> None:
    from urllib.parse import quote

    filled = path.replace("%s", str(uuid.uuid4())).replace(
        "{}", quote(text, safe="/?=&%", errors="replace")
    )
    said = {"accept": header, "x-request-id": header, "cookie": header, "accept-language": header}
    answer = getattr(client, method)(filled, headers=said)
    assert answer.status_code < 500, (filled, answer.content)


@pytest.mark.slow
def test_jobs_in_any_state_have_a_page(client: Client) -> None:
    for state in State:
        for stage in Stage:
            job = make_job(state=state, stage=stage, percent=50.5, seconds_done=3, audio_duration=9)
            for path in (f"/jobs/{job.pk}", f"/jobs/{job.pk}.json", f"/tasks/{job.pk}/progress"):
                assert client.get(path, headers=HTML).status_code == 200

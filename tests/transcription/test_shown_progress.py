"""What the page of a job says of how far it is, and of how it failed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from transcription import tasks
from transcription.engines.base import EngineError, Event, Request, Result, ShouldStop
from transcription.models import Job, State, TranscribedChunk, Transcript
from transcription.pages import recordings
from transcription.services.scheduling import estimates

from .building import NO_SHOW, make_job, result, script_engine, staff_client, within

pytestmark = pytest.mark.django_db(transaction=True)
PAUSED = "paused for other recordings"
HTML = {"accept": "text/html,*/*;q=0.8"}
FALLBACK_NOTE = "Draft only. The model could not be downloaded, so the built-in one was used."


@pytest.fixture
def client(settings: LazySettings, tmp_path: Path) -> Client:
    within(settings, tmp_path)
    return staff_client()


def seconds(clock: str) -> int:
    minutes, rest = clock.split(":")
    return 60 * int(minutes) + int(rest)


def test_percent_and_time_are_both_of_the_sound(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film whose pictures last twice as long as its sound; reading the sound is no work on it."""
    monkeypatch.setattr("transcription.services.jobs.monitor.REPORT_EVERY", -1.0)
    job = make_job()
    shown: list[tuple[str, int | None, str]] = []

    def film(request: Request, tell: Callable[[Event], None], stop: ShouldStop) -> Result:
        media = NO_SHOW | {"duration": 600.0, "has_video": True}
        tell(Event("decoding", 0.0, 600.0, media=media))
        for stage, done in [("decoding", 150.0), ("loading", 0.0), ("transcribing", 0.0)]:
            look(tell, stage, done, 600.0 if stage == "decoding" else 300.0)
        for done in (1.0, 29.0, 150.0, 200.0, 300.0):
            look(tell, "transcribing", done, 300.0)
        return result(duration=300.0)

    def look(tell: Callable[[Event], None], stage: str, done: float, total: float) -> None:
        tell(Event(stage, done, total))
        said: dict[str, Any] = client.get(f"/jobs/{job.pk}.json").json()
        shown.append((said["stage"], said["percent"], said["message"]))

    script_engine(monkeypatch, film)
    tasks.work()
    assert shown == [
        ("decoding", None, "2:30 of 10:00"),
        ("loading", None, ""),
        ("transcribing", 0, "0:00 of 5:00"),
        ("transcribing", 0, "0:01 of 5:00"),
        ("transcribing", 9, "0:29 of 5:00"),
        ("transcribing", 50, "2:30 of 5:00"),
        ("transcribing", 66, "3:20 of 5:00"),
        ("transcribing", 100, "5:00 of 5:00"),
    ]


@pytest.mark.parametrize(
    "facts, position, starts_in, waiting",
    [
        ({}, 1, 4.0, "next in line, starts in less than a minute"),
        ({}, 2, 300.0, "2nd in line, starts in about 5 minutes"),
        ({}, 3, 61.0, "3rd in line, starts in about 1 minute"),
        ({}, 11, 5400.0, "11th in line, starts in about 90 minutes"),
        ({}, 21, 7000.0, "21st in line, starts in about 2 hours"),
        ({}, 112, None, "112th in line"),
        ({}, None, None, ""),
        ({"stage": "paused"}, 1, 65.0, f"{PAUSED}, next turn in about 1 minute"),
        ({"stage": "paused"}, 2, None, PAUSED),
        ({"cancel_requested": True}, 1, 4.0, ""),
    ],
)
def test_a_waiting_job_tells_its_place_on_its_page_and_in_the_list(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    facts: dict[str, Any],
    position: int | None,
    starts_in: float | None,
    waiting: str,
) -> None:
    job = make_job(**facts)
    known = {} if position is None else {job.pk: (position, starts_in)}
    monkeypatch.setattr(estimates, "places", lambda: known)
    monkeypatch.setattr(recordings, "places", lambda: known)
    assert client.get(f"/jobs/{job.pk}.json").json()["waiting"] == waiting
    assert client.get("/jobs.json").json()["jobs"][0]["waiting"] == waiting
    for address in (f"/jobs/{job.pk}", "/"):
        assert waiting in client.get(address, headers=HTML).content.decode()


@pytest.mark.parametrize(
    "facts, left",
    [
        ({"speed": 10.0, "seconds_done": 400.0}, "less than a minute left"),
        ({"speed": 1.0, "seconds_done": 420.0}, "about 3 minutes left"),
        ({"speed": 0.02, "seconds_done": 0.0}, "about 8 hours left"),
        ({"speed": None}, ""),
        ({"speed": 1.0, "cancel_requested": True}, ""),
        ({"speed": 1.0, "state": State.COMPLETED}, ""),
    ],
)
def test_a_running_job_tells_what_is_left(client: Client, facts: dict[str, Any], left: str) -> None:
    running = {"state": State.PROCESSING, "stage": "transcribing", "seconds_total": 600.0}
    job = make_job(**{**running, "task_type": "transcription", **facts})
    assert client.get(f"/jobs/{job.pk}.json").json()["remaining"] == left
    assert left in client.get(f"/jobs/{job.pk}", headers=HTML).content.decode()


def test_the_text_so_far_is_for_jobs_that_have_no_transcript_yet(client: Client) -> None:
    """One that runs again keeps its transcript; a place that makes no sense is the beginning."""
    job = make_job(state=State.PROCESSING)
    TranscribedChunk.objects.create(
        job=job,
        number=0,
        start=0,
        end=9,
        recipe="r",
        segments=[{"start": 0, "end": 9, "text": "a"}],
    )
    address = f"/jobs/{job.pk}.json"
    assert "text" not in client.get(address).json()
    for after in ("0", "", "x", "nan", "-1", "1e999"):
        text = client.get(address, {"after": after}).json()["text"]
        assert [one["text"] for one in text["segments"]] == ["a"], after
    assert client.get(address, {"after": "9"}).json()["text"]["segments"] == []
    assert 'id="partial"' in client.get(f"/jobs/{job.pk}", headers=HTML).content.decode()
    Transcript.objects.create(job=job, segments=[])
    assert "text" not in client.get(address, {"after": "0"}).json()
    assert 'id="partial"' not in client.get(f"/jobs/{job.pk}", headers=HTML).content.decode()


def test_a_failed_job_speaks_of_no_draft_and_shows_no_player(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one whose earlier transcript is still there claim that there is none."""

    def fail(request: Request, tell: Callable[[Event], None], stop: ShouldStop) -> Result:
        raise EngineError("no sound", "There is no sound in it.")

    script_engine(monkeypatch, fail)
    job = make_job(engine="faster-whisper", engine_used="built-in", engine_note=FALLBACK_NOTE)
    tasks.work()
    Job.objects.filter(pk=job.pk, state=State.FAILED).update(engine_note=FALLBACK_NOTE)
    page = client.get(f"/jobs/{job.pk}", headers=HTML).content.decode()
    assert "There is no sound in it." in page and "couldn't be transcribed" in page
    assert "Draft" not in page and "<audio" not in page
    assert f'href="/uploads/files/{job.upload.id.hex}" download' in page  # type: ignore[union-attr]

    Transcript.objects.create(job=job, segments=[{"start": 0.0, "end": 1.0, "text": "hello"}])
    page = client.get(f"/jobs/{job.pk}", headers=HTML).content.decode()
    assert "couldn't be transcribed" not in page and "last successful run" in page
    assert "<audio" in page

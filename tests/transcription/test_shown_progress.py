"""What the page of a job says of how far it is, and of how it failed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from transcription import tasks
from transcription.engines.base import EngineError, Event, Request, Result, ShouldStop
from transcription.models import Job, State, Transcript

from .building import NO_SHOW, make_job, result, script_engine, staff_client, within

pytestmark = pytest.mark.django_db(transaction=True)
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

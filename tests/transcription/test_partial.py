"""The text of a job so far, by the API, while engines give one chunk after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.transcription.building import make_job, result, script_engine, staff_client, within
from transcription import tasks
from transcription.conf import conf
from transcription.engines.base import TRANSCRIBE, Chunk, Event, Output, Request, Result, ShouldStop
from transcription.models import Job, Stage, StageOutput, State, TranscribedChunk
from transcription.services.scheduling import speeds
from transcription.services.stages import chunks, partial

pytestmark = pytest.mark.django_db(transaction=True)

LENGTH = 100.0


@pytest.fixture
def client(settings: LazySettings, tmp_path: Path) -> Client:
    within(settings, tmp_path)
    cache.clear()
    return staff_client()


def ask(client: Client, job: Job, after: float = 0) -> dict[str, Any]:
    answer = client.get(f"/task/{job.pk}/partial", {"after": str(after)} if after else {})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def chunk(number: int) -> Chunk:
    word = {"word": "text", "start": number * 10.0, "end": number * 10.0 + 1, "score": 0.5}
    segment = {"start": number * 10.0, "end": number * 10.0 + 9, "text": f"text {number}"}
    return Chunk(number * 10.0, number * 10.0 + 10, [{**segment, "words": [word]}], "en", 0.9)


def keep(job: Job, *numbers: int) -> None:
    """Lets the job have these chunks."""
    for number in numbers:
        one = chunk(number)
        TranscribedChunk.objects.create(
            job=job, number=number, start=one.start, end=one.end, segments=one.segments, recipe="r"
        )


def texts(body: dict[str, Any]) -> list[str]:
    return [segment["text"].strip() for segment in body["segments"]]


def test_a_client_that_follows_gets_each_segment_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first chunk to the end, when chunks become the output and are forgotten."""
    monkeypatch.setattr("transcription.services.jobs.monitor.REPORT_EVERY", -1.0)
    job = make_job(task_type="transcription")
    seen: list[dict[str, Any]] = [ask(client, job)]

    def follow() -> None:
        seen.append(ask(client, job, seen[-1]["next"]))

    def engine(request: Request, tell: Callable[[Event], None], stop: ShouldStop) -> Result:
        tell(Event("decoding", 0.0, LENGTH, media={"mime": "audio/wav", "duration": LENGTH}))
        for number in range(10):
            tell(Event("transcribing", number * 10.0 + 10, LENGTH, chunks=[chunk(number)]))
            if number % 3 == 0:
                follow()
        return result(
            [*chunk(0).segments, *(one for n in range(1, 10) for one in chunk(n).segments)]
        )

    script_engine(monkeypatch, engine)
    tasks.work()
    follow()
    chunks.forget()
    follow()
    assert [texts(body) for body in seen] == [
        *([], ["text 0"], ["text 1", "text 2", "text 3"], ["text 4", "text 5", "text 6"]),
        *(["text 7", "text 8", "text 9"], [], []),
    ]
    assert [body["percentage"] for body in seen] == pytest.approx(
        [0, 10, 40, 70, 100, 100, 100], abs=1
    )
    assert [body["seconds_done"] for body in seen[1:5]] == [10, 40, 70, 100]
    assert {body["seconds_total"] for body in seen[1:5]} == {LENGTH}
    assert {body["status"] for body in seen[1:5]} == {"processing"}
    assert (seen[0]["status"], seen[-1]["status"]) == ("queued", "completed")
    first = seen[1]["segments"][0]
    assert first["words"] == [{"word": "text", "start": 0.0, "end": 1.0, "score": 0.5}]
    assert seen[1]["language"] == "en"
    assert client.get(f"/task/{job.pk}").json().keys() == {"status", "result", "metadata", "error"}


def test_much_text_comes_in_parts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "MOST_CHUNKS", 2)
    job = make_job(state=State.PROCESSING)
    keep(job, *range(5))
    body, found, rounds = ask(client, job), [], 1
    found += texts(body)
    while body["more"]:
        body = ask(client, job, body["next"])
        found += texts(body)
        rounds += 1
    assert found == [f"text {number}" for number in range(5)] and rounds == 3
    assert texts(ask(client, job, body["next"])) == []


def test_where_transcription_begins_anew_so_does_the_text(client: Client) -> None:
    """Chunks of other options are dropped: who asks for what follows them is told so."""
    job = make_job(state=State.PROCESSING)
    keep(job, *range(5))
    asked = ask(client, job)
    assert (asked["after"], asked["next"]) == (0, 50)
    TranscribedChunk.objects.all().delete()
    assert texts(ask(client, job, 50)) == []
    keep(job, 0)
    body = ask(client, job, 50)
    assert (body["after"], body["next"], texts(body)) == (0, 10, ["text 0"])
    assert ask(client, job, 10)["after"] == 10


def test_a_kept_transcription_is_there_while_the_rest_is_done(client: Client) -> None:
    """Of an engine that reports no chunks, or of an earlier run; what failed keeps its chunks."""
    job = make_job(state=State.PROCESSING, stage=Stage.ALIGNING, audio_duration=LENGTH)
    segments = [*chunk(0).segments, *chunk(1).segments]
    output = {"segments": segments, "language": "en"}
    StageOutput.objects.create(job=job, name="transcribe", output=output)
    body = ask(client, job)
    assert texts(body) == ["text 0", "text 1"]
    assert (body["seconds_done"], body["next"], body["language"]) == (LENGTH, LENGTH, "en")
    assert texts(ask(client, job, body["next"])) == []
    failed = make_job(state=State.FAILED, error="Broken.")
    keep(failed, 0)
    body = ask(client, failed)
    assert (body["status"], body["error"], texts(body)) == ("failed", "Broken.", ["text 0"])


def test_what_is_expected_of_a_task_is_told(client: Client) -> None:
    """Its place and start while it waits, and what is left of the one at work."""
    speeds.learn(Output(TRANSCRIBE, conf.ENGINE, {}, "small", device="cpu"), 600.0, 60.0)
    facts = {
        "engine": conf.ENGINE,
        "model": "small",
        "language": "en",
        "task_type": "transcription",
        "audio_duration": 600.0,
    }
    working = make_job(
        state=State.PROCESSING, stage=Stage.TRANSCRIBING, seconds_done=300.0, turn="a", **facts
    )
    waiting = make_job(turn="b", queued=timezone.now(), **facts)
    for path in ("/task/{}/partial", "/tasks/{}/progress"):
        body = client.get(path.format(working.pk)).json()
        assert (body["position"], body["expected_start"]) == (None, None)
        assert body["remaining_seconds"] == pytest.approx(30, abs=1)
        body = client.get(path.format(waiting.pk)).json()
        assert body["position"] == 1
        wait = datetime.fromisoformat(body["expected_start"]) - timezone.now()
        assert timedelta(0) < wait < timedelta(seconds=31)
        assert body["remaining_seconds"] == pytest.approx(60, abs=1)
    ended = make_job(state=State.COMPLETED, **facts)
    body = client.get(f"/task/{ended.pk}/partial").json()
    assert {body[key] for key in ("position", "expected_start", "remaining_seconds")} == {None}

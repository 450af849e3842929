"""A job's run in the worker: whatever engine and database do, it ends once, with a reason."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from transcription import tasks
from transcription.conf import conf
from transcription.engines import models
from transcription.engines.base import EngineDied, EngineError, Event, Request, Result, ShouldStop
from transcription.engines.model_files import assets
from transcription.media.errors import Cancelled
from transcription.models import Job, State, Transcript
from transcription.services import db_retry
from transcription.services.jobs import leases, monitor, rerun, transitions
from uploads.services.termination import terminate

from .building import make_job, result, script_engine, staff_client, state_of, within

pytestmark = pytest.mark.django_db(transaction=True)
Tell = Callable[[Event], None]


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def run(monkeypatch: pytest.MonkeyPatch, script: Any, **facts: Any) -> Job:
    job = make_job(**facts)
    script_engine(monkeypatch, script)
    tasks.work()
    job.refresh_from_db()
    return job


def test_what_an_engine_says_is_stored_however_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    client = staff_client()
    nan, inf = float("nan"), float("inf")

    def odd(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        tell(Event("decoding", inf, 1.0, {"mime": "audio/" + "x" * 300, "duration": inf}))
        tell(Event("transcribing", nan, 10.0))
        tell(Event("humming\0", 1.0, nan))
        words = [{"word": "w\0rd", "start": nan, "end": 1.0, "score": inf}, {"word": "\udc80"}]
        odd: list[dict[str, Any]] = [
            {"start": 0.5, "end": nan, "text": "a\0b", "words": words, "avg_logprob": -inf},
            {"start": nan, "end": nan, "text": "\ud83d\ude00 \ud83d", "speaker": "S\0"},
            {"text": "no times"},
        ]
        return result(odd, language="x" * 99, duration=nan, warnings=["w\0\udcff", "n" * 9999])

    job = run(monkeypatch, odd)
    assert job.state == State.WARNINGS, job.error
    assert job.language_used == "x" * 19 + "…" and job.audio_duration is None
    kept = Transcript.objects.get(job=job).segments
    assert [segment["text"] for segment in kept] == ["ab", "😀 \ufffd", "no times"]
    assert [(segment["start"], segment["end"]) for segment in kept] == [(0.5, 0.5)] * 3
    for path in (f"/task/{job.pk}", f"/jobs/{job.pk}", f"/jobs/{job.pk}.json", "/task/all", "/"):
        answer = client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, (path, answer.content[:500])
    for kind in ("srt", "vtt", "txt", "tsv", "json"):
        path = f"/jobs/{job.pk}/export.{kind}"
        assert client.get(path).status_code == 200
    path = f"/jobs/{job.pk}/segments.json"
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "problem, words",
    [
        (EngineError("code", "No \0 sense. " + "long " * 3000), "No  sense."),
        (OSError(28, "No space left on device"), "No space left"),
        (KeyError("surprise"), "surprise"),
    ],
)
def test_problems_end_the_job_with_a_reason_and_never_repeat_it(
    monkeypatch: pytest.MonkeyPatch, problem: Exception, words: str
) -> None:
    def broken(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        raise problem

    job = run(monkeypatch, broken)
    assert job.state == State.FAILED and words in job.error and len(job.error) <= 4000
    assert leases.claim_next() is None


def test_deaths_of_the_engine_are_counted_to_three(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        raise EngineDied("It was killed (signal 9).", None, 9, "last\nwords\0")

    job = run(monkeypatch, dies)
    assert (job.state, job.engine_deaths) == (State.QUEUED, 1)
    tasks.work()
    tasks.work()
    job.refresh_from_db()
    assert job.state == State.FAILED and "3 times" in job.error and "signal 9" in job.error
    assert job.events.filter(what__startswith="Started").count() == 3


def test_a_worker_that_dies_with_its_engine_counts_no_death(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker sees the engine's end a moment before its own."""

    def dies(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        raise EngineDied("It was killed (signal 9).", None, 9)

    job = make_job()
    script_engine(monkeypatch, dies)
    monkeypatch.setattr(tasks, "PAUSE_AFTER_DEATH", 5.0)

    def killed(seconds: float) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(time, "sleep", killed)
    with pytest.raises(SystemExit):
        tasks.work()
    job.refresh_from_db()
    assert job.engine_deaths == 0


def test_an_engine_that_hangs_is_ended_as_if_it_had_died(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.ENGINE_STALL_SECONDS = 0.3

    def hangs(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        tell(Event("transcribing", 0.0, 2.0))
        for _ in range(200):
            if should_stop():
                raise Cancelled
            time.sleep(0.02)
        raise AssertionError("nobody noticed")

    job = run(monkeypatch, hangs)
    assert (job.state, job.engine_deaths) == (State.QUEUED, 1)
    assert "reported nothing" in " ".join(job.events.values_list("what", flat=True))


def test_a_file_that_cannot_be_read_in_time_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    """Reading it would take as long the next time."""
    settings.ENGINE_STALL_SECONDS = 0.3

    def hangs(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        tell(Event("probing", 0.0, None))
        for _ in range(200):
            should_stop()
            time.sleep(0.02)
        raise AssertionError("nobody noticed")

    job = run(monkeypatch, hangs)
    assert (job.state, job.engine_deaths) == (State.FAILED, 0)
    assert "could not be read" in job.error


def test_a_cancelled_job_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        transitions.cancel(Job.objects.get())
        deadline = time.monotonic() + 60
        while not should_stop():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        raise Cancelled

    assert run(monkeypatch, cancelled).state == State.CANCELLED


def test_cancel_and_death_of_the_engine_together_are_a_cancel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        transitions.cancel(Job.objects.get())
        raise EngineDied("It was killed (signal 9).", None, 9)

    assert run(monkeypatch, dies).state == State.CANCELLED


def test_recording_removed_before_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job()
    assert job.upload
    terminate(job.upload)
    Job.objects.update(state=State.QUEUED, cancel_requested=False)
    script_engine(monkeypatch, lambda *rest: result())
    tasks.work()
    job.refresh_from_db()
    assert job.state == State.FAILED and "removed" in job.error


def test_a_database_that_is_away_for_a_while_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db_retry, "PAUSE", 0.01)
    monkeypatch.setattr(monitor, "JOB_POLL_SECONDS", 0.0)
    away = {"left": 0}

    def faulty(original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*facts: Any, **more: Any) -> Any:
            away["left"] -= 1
            if away["left"] >= 0:
                raise OperationalError("the server closed the connection unexpectedly")
            return original(*facts, **more)

        return ask

    for module, name in (
        (leases, "should_continue"),
        (leases, "heartbeat"),
        (transitions, "complete"),
    ):
        monkeypatch.setattr(module, name, faulty(getattr(module, name)))

    def works(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        away["left"] = 20
        assert not should_stop() and not should_stop()
        return result()

    job = run(monkeypatch, works)
    assert job.state == State.COMPLETED and away["left"] < 0
    assert job.events.filter(what__startswith="Ended").count() == 1


def test_a_worker_that_is_stopped_gives_the_job_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        raise SystemExit("time limit")

    job = make_job()
    script_engine(monkeypatch, stopped)
    with pytest.raises(SystemExit):
        tasks.work()
    assert state_of(job) == "queued"


def test_running_again_keeps_the_transcript_and_tries_the_model_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = staff_client()
    job = run(monkeypatch, lambda *rest: result())
    assets.remember_failure(conf.MODELS_DIR, models.asset("small"), "no network")
    Job.objects.update(engine_note="a stand-in")
    rerun.run_again(Job.objects.get(), {"language": "de"})
    assert assets.recent_failure(conf.MODELS_DIR, models.asset("small")) == ""
    job.refresh_from_db()
    assert (job.engine_note, job.started, job.finished, job.language) == ("", None, None, "de")
    task = client.get(f"/task/{job.pk}").json()
    assert (task["status"], task["result"]) == ("queued", None)
    assert task["metadata"]["start_time"] is None and task["metadata"]["end_time"] is None
    assert Transcript.objects.get(job=job).segments[0]["text"] == "hello"
    with pytest.raises(rerun.CannotRun):
        rerun.run_again(Job.objects.get(), {})
    script_engine(monkeypatch, lambda *rest: result([]))
    tasks.work()
    assert Transcript.objects.get(job=job).segments == []

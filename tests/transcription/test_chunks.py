"""Chunks of a running job: kept at once, read by streaming clients, and where the job goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from tests.transcription.building import make_job, result, script_engine, state_of, within
from transcription import tasks
from transcription.conf import conf
from transcription.engines.base import Chunk, EngineDied, Event, Paused, Request, Result, ShouldStop
from transcription.models import Job, Stage, State, TranscribedChunk
from transcription.services.jobs import leases, rerun
from transcription.services.jobs.monitor import JobMonitor
from transcription.services.stages import chunks
from transcription.services.stages.finish import finish_job

pytestmark = pytest.mark.django_db

Tell = Callable[[Event], None]


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def chunk(number: int, text: str) -> Chunk:
    segments = [{"start": number * 10.0, "end": number * 10.0 + 9, "text": text}]
    return Chunk(number * 10.0, number * 10.0 + 10, segments, "en", 0.9)


def news(*new: Chunk) -> Event:
    return Event("transcribing", new[-1].end, 100.0, chunks=new)


def read(job: Job, first: int = 0) -> list[tuple[int, str]]:
    return [(row.number, row.segments[0]["text"]) for row in chunks.since(job.pk, first)]


def claimed() -> tuple[Job, JobMonitor]:
    job = leases.claim(make_job().pk)
    assert job is not None
    return job, JobMonitor(job)


class Engine:
    """Says "one", "two", …: a chunk at a time, after those that it is given.

    Args:
        last: The number of chunks in the recording.
        before: Called before each chunk with its number.
    """

    def __init__(self, last: int, before: Callable[[int], None] = lambda number: None) -> None:
        self.last, self.before = last, before
        self.begun_at: list[int] = []

    def __call__(self, request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        first = len(request.chunks)
        self.begun_at.append(first)
        said = [Chunk(**kept) for kept in request.chunks]
        for number in range(first, self.last):
            self.before(number)
            said.append(chunk(number, f"text {number}"))
            tell(news(said[-1]))
        return result([segment for one in said for segment in one.segments])


def texts_of(job: Job) -> list[str]:
    return [segment["text"] for segment in Job.objects.get(pk=job.pk).transcript.segments]


def test_what_the_database_did_not_take_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    job, watch = claimed()
    with monkeypatch.context() as away:
        away.setattr(chunks, "keep", mock.Mock(side_effect=OperationalError("locked")))
        watch.on_event(news(chunk(0, "one\0")))
    watch.on_event(news(chunk(1, "two")))
    assert read(job) == [(0, "one"), (1, "two")]
    assert read(job, 1) == [(1, "two")]


def test_a_claim_that_is_over_keeps_nothing() -> None:
    job, watch = claimed()
    watch.on_event(news(chunk(0, "one")))
    assert leases.release(job, "its worker was stopped.")
    assert leases.claim(job.pk) is not None
    watch.on_event(news(chunk(1, "two")))
    assert read(job) == [(0, "one")]


def test_after_a_death_of_the_engine_a_job_goes_on_after_its_last_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each kept chunk resets the count of deaths: five deaths at five places don't fail it."""
    died: list[int] = []

    def dies_once(number: int) -> None:
        if number not in died:
            died.append(number)
            raise EngineDied("It was killed (signal 9).", None, 9)

    engine = Engine(5, dies_once)
    script_engine(monkeypatch, engine)
    job = make_job()
    for _ in range(6):
        tasks.work()
    assert state_of(job) == State.COMPLETED
    assert engine.begun_at == [0, 0, 1, 2, 3, 4]
    assert texts_of(job) == [f"text {number}" for number in range(5)]


def test_three_deaths_at_one_chunk_fail_the_job_and_keep_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(number: int) -> None:
        if number == 2:
            raise EngineDied("It was killed (signal 9).", None, 9)

    engine = Engine(4, dies)
    script_engine(monkeypatch, engine)
    job = make_job(engine=conf.ENGINE)
    for _ in range(3):
        tasks.work()
    job.refresh_from_db()
    assert job.state == State.FAILED and "3 times" in job.error
    assert engine.begun_at == [0, 2, 2]
    chunks.forget()
    engine.before = lambda number: None
    rerun.run_again(job, {})
    tasks.work()
    assert engine.begun_at[-1] == 2 and state_of(job) == State.COMPLETED
    chunks.forget()
    assert not TranscribedChunk.objects.exists()


def test_chunks_of_other_options_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(number: int) -> None:
        if number == 2:
            raise EngineDied("It was killed (signal 9).", None, 9)

    engine = Engine(3, dies)
    script_engine(monkeypatch, engine)
    job = make_job()
    tasks.work()
    Job.objects.filter(pk=job.pk).update(options={"beam_size": 1})
    engine.before = lambda number: None
    tasks.work()
    assert engine.begun_at == [0, 0]
    assert [row.number for row in TranscribedChunk.objects.all()] == [0, 1, 2]


def test_running_everything_again_uses_no_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(2)
    script_engine(monkeypatch, engine)
    job = make_job()
    tasks.work()
    rerun.run_again(Job.objects.get(pk=job.pk), {})
    tasks.work()
    assert engine.begun_at == [0, 0] and state_of(job) == State.COMPLETED


def test_nothing_is_left_of_jobs_that_are_done() -> None:
    (job, _), (other, _) = claimed(), claimed()
    for one in (job, other):
        chunks.keep(one, 0, [chunk(0, "one")], "")
    Job.objects.filter(pk=job.pk).update(state=State.COMPLETED)
    finish_job(other, reason="It broke.")
    chunks.forget()
    assert list(TranscribedChunk.objects.values_list("job_id", flat=True)) == [other.pk]


def test_a_paused_job_keeps_its_progress_and_goes_on_at_its_next_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns_left = [2]

    def pauses(number: int) -> None:
        if number and turns_left[0]:
            turns_left[0] -= 1
            raise Paused

    engine = Engine(4, pauses)
    script_engine(monkeypatch, engine)
    job = make_job()
    tasks.work()
    job.refresh_from_db()
    assert (job.state, job.stage) == (State.QUEUED, Stage.PAUSED)
    assert job.percent == pytest.approx(10) and job.started and job.token is None
    assert job.is_paused
    tasks.work()
    tasks.work()
    job.refresh_from_db()
    assert state_of(job) == State.COMPLETED and job.turns == 3
    assert engine.begun_at == [0, 1, 1]
    assert texts_of(job) == [f"text {number}" for number in range(4)]

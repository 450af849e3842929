"""What people are told of a job that waits or works: its place, its start, what is left of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.utils import timezone

from tests.transcription.building import make_job, within
from transcription.conf import conf
from transcription.engines.base import DIARIZE, TRANSCRIBE, Output
from transcription.models import Job, Stage, StageOutput, State
from transcription.services.jobs import leases
from transcription.services.scheduling import estimates, speeds

pytestmark = pytest.mark.django_db

LENGTH = 600.0
SPEED = 10.0
"""Seconds of audio a second: ten minutes take one minute, a turn."""


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    settings.JOB_TURN_SECONDS = 60
    cache.clear()


def learn(audio: float = LENGTH, work: float = LENGTH / SPEED) -> None:
    speeds.learn(Output(TRANSCRIBE, conf.ENGINE, {}, "small", device="cpu"), audio, work)


def waiting(turn: str, minutes_ago: float, length: float | None = LENGTH, **facts: object) -> Job:
    queued = timezone.now() - timedelta(minutes=minutes_ago)
    facts = {"model": "small", "language": "en", "task_type": "transcription", **facts}
    return make_job(
        engine=conf.ENGINE, turn=turn, queued=queued, created=queued, audio_duration=length, **facts
    )


def told(*jobs: Job) -> list[tuple[int | None, int | None]]:
    cache.clear()
    found = [estimates.expectation_of(Job.objects.get(pk=job.pk)) for job in jobs]
    return [
        (one.position, None if one.starts_in is None else round(one.starts_in)) for one in found
    ]


def test_waiting_jobs_start_in_the_order_of_turns() -> None:
    """Two of one owner and one of another: the second owner goes before the second job."""
    learn()
    first, second, other = waiting("a", 3), waiting("a", 2), waiting("b", 1)
    assert told(first, second, other) == [(1, 0), (3, 120), (2, 60)]
    for job in (first, other, second):
        claimed = leases.claim_next()
        assert claimed and claimed.pk == job.pk
        Job.objects.filter(pk=job.pk).update(state=State.COMPLETED)


def test_a_long_recording_does_not_keep_a_short_one_waiting_for_longer_than_a_turn() -> None:
    learn()
    long, short = waiting("a", 3, 36_000.0), waiting("a", 2, 60.0)
    assert told(long, short) == [(1, 0), (2, 60)]
    claimed = leases.claim_next()
    assert claimed and claimed.pk == long.pk
    assert told(short) == [(1, 60)]


def test_priority_goes_first_among_the_jobs_of_one_owner() -> None:
    learn()
    low, normal, high = (waiting("a", 3 - rank, priority=rank) for rank in (-1, 0, 1))
    assert [place for place, _ in told(low, normal, high)] == [3, 2, 1]


def test_a_low_priority_rises_with_the_hours() -> None:
    learn()
    low = waiting("a", 130, priority=-1)
    high = waiting("a", 1, priority=1)
    assert [place for place, _ in told(low, high)] == [1, 2]


def test_without_experience_a_place_is_told_and_no_time() -> None:
    first, second = waiting("a", 2), waiting("a", 1)
    assert told(first, second) == [(1, 0), (2, None)]
    assert estimates.expectation_of(first).remaining is None


def test_what_is_left_of_a_job_at_work_follows_its_own_speed() -> None:
    learn()
    job = waiting("a", 1)
    assert estimates.expectation_of(job).remaining == pytest.approx(60)
    claimed = leases.claim_next()
    assert claimed
    facts = {"stage": Stage.TRANSCRIBING, "seconds_total": LENGTH, "seconds_done": 300.0}
    Job.objects.filter(pk=job.pk).update(speed=2.0, **facts)
    job.refresh_from_db()
    assert estimates.expectation_of(job) == estimates.Expectation(remaining=150.0)


def test_a_stage_that_is_kept_is_not_expected_again() -> None:
    """Its engine died in a later stage, and the next run begins with that one."""
    learn()
    speeds.learn(Output(DIARIZE, conf.ENGINE, [], device="cpu"), LENGTH, 30.0)
    job = waiting("a", 2, options={"diarize": True}, task_type="full_process", seconds_done=60.0)
    other = waiting("b", 1)
    StageOutput.objects.create(job=job, name=TRANSCRIBE, output={}, engine=conf.ENGINE)
    assert estimates.expectation_of(job).remaining == pytest.approx(30)
    assert told(job, other) == [(1, 0), (2, 30)]


def test_newer_experience_counts_more() -> None:
    learn(600.0, 600.0)
    for _ in range(12):
        learn(600.0, 60.0)
    assert speeds.learned()[TRANSCRIBE, conf.ENGINE, "small"] > 9
    learn(1.0, 60.0)  # too short to say anything
    assert speeds.learned()[TRANSCRIBE, conf.ENGINE, "small"] > 9


def test_an_ended_job_has_nothing_to_expect() -> None:
    job = waiting("a", 1, state=State.FAILED)
    assert estimates.expectation_of(job) == estimates.Expectation()

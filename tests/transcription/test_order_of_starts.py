"""Ten jobs of two owners, one of them of ten hours: who starts when, with one worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tests.transcription.building import make_job, script_engine, within
from tests.transcription.test_chunks import Tell, chunk, news
from transcription import tasks
from transcription.engines.base import Chunk, Paused, Request, Result, ShouldStop
from transcription.models import Job, State
from transcription.services.jobs import monitor
from transcription.services.stages import run as stages_run

from .building import result

pytestmark = pytest.mark.django_db

CHUNKS = 20
"""Chunks of the long recording; each is as long as a turn."""


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    within(settings, tmp_path)
    settings.JOB_TURN_SECONDS = 0
    monkeypatch.setattr(monitor, "JOB_POLL_SECONDS", 0.0)


class Engine:
    """Needs a turn for each chunk; a recording's name says how many it has."""

    def __init__(self) -> None:
        self.starts: list[str] = []

    def __call__(self, request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        job = Job.objects.get(state=State.PROCESSING)
        self.starts.append(job.file_name)
        said = [Chunk(**kept) for kept in request.chunks]
        last = CHUNKS if "long" in job.file_name else 1
        while len(said) < last:
            said.append(chunk(len(said), job.file_name))
            tell(news(said[-1]))
            if len(said) < last and stages_run.engine_process().should_pause():  # type: ignore[attr-defined]
                raise Paused
        return result([segment for one in said for segment in one.segments])


def in_line(priorities: dict[str, int]) -> None:
    """Five recordings of each of two owners, in this order; the first is the long one."""
    names = ["a long", "a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "b5"]
    now = timezone.now() - timedelta(minutes=10)
    for number, name in enumerate(names):
        at = now + timedelta(seconds=number)
        facts = {"turn": name[0], "file_name": name, "queued": at, "created": at}
        make_job(priority=priorities.get(name, 0), **facts)


def worked_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The names of the jobs, each time that one is started."""
    engine = Engine()
    script_engine(monkeypatch, engine)
    process = stages_run.engine_process()
    monkeypatch.setattr(stages_run, "engine_process", lambda: process)
    while Job.objects.filter(state=State.QUEUED).exists():
        tasks.work()
    yield from engine.starts
    assert set(Job.objects.values_list("state", flat=True)) == {State.COMPLETED}


def test_owners_take_turns_and_short_recordings_go_before_the_rest_of_a_long_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_line({})
    starts = list(worked_off(monkeypatch))
    assert starts == ["a long", "b1", "a1", "b2", "a2", "b3", "a3", "b4", "a4", "b5", "a long"]


def test_priorities_move_jobs_among_those_of_their_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    in_line({"a4": 1, "a2": -1, "b1": -1, "b5": 1})
    starts = list(worked_off(monkeypatch))
    assert starts[:4] == ["a4", "b5", "a long", "b2"]
    assert [name for name in starts if name[0] == "b"] == ["b5", "b2", "b3", "b4", "b1"]
    of_a = [name for name, _ in groupby(name for name in starts if name[0] == "a")]
    assert of_a == ["a4", "a long", "a1", "a3", "a long", "a2"]

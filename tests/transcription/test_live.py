"""Segments of a job at work, kept for the client that reads along."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from tests.transcription.building import make_job, within
from transcription.engines.base import TRANSCRIBE, Chunk, Event, Output
from transcription.models import Job, LiveText
from transcription.services.jobs import leases
from transcription.services.jobs.monitor import JobMonitor
from transcription.services.stages import live
from transcription.services.stages.finish import finish_job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def heard(*texts: str) -> list[Chunk]:
    return [Chunk(0.0, 1.0, [{"text": text}], "en") for text in texts]


def read(job: Job, first: int = 0) -> list[tuple[int, str]]:
    return [(row.number, row.text) for row in live.heard_from(job.pk, first)]


def claimed() -> tuple[Job, JobMonitor]:
    job = leases.claim(make_job().pk)
    assert job is not None
    return job, JobMonitor(job)


def test_what_is_heard_comes_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    job, watch = claimed()
    watch.on_event(Event("transcribing", 1.0, 9.0, chunks=heard("one", "two\0")))
    monkeypatch.setattr("transcription.services.jobs.monitor.REPORT_EVERY", 3600.0)
    watch.on_event(Event("transcribing", 2.0, 9.0, chunks=heard("three")))  # too soon to be written
    assert read(job) == [(0, "one"), (1, "two")]
    output = Output(TRANSCRIBE, "pocketsphinx", {"segments": [], "language": "en"})
    watch.on_event(Event("transcribing", 9.0, 9.0, output=output))
    assert read(job, 1) == [(1, "two"), (2, "three")]


def test_what_the_database_did_not_take_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    job, watch = claimed()
    with monkeypatch.context() as away:
        away.setattr(live, "keep", mock.Mock(side_effect=OperationalError("locked")))
        watch.on_event(Event("transcribing", 1.0, 9.0, chunks=heard("one")))
    monkeypatch.setattr("transcription.services.jobs.monitor.REPORT_EVERY", 0.0)
    watch.on_event(Event("transcribing", 2.0, 9.0, chunks=heard("two")))
    assert read(job) == [(0, "one"), (1, "two")]


def test_a_run_that_begins_anew_repeats_nothing() -> None:
    job, watch = claimed()
    watch.on_event(Event("transcribing", 1.0, 9.0, chunks=heard("one")))
    assert leases.release(job, "its worker was stopped.")
    again = leases.claim(job.pk)
    assert again is not None
    JobMonitor(again).on_event(Event("transcribing", 1.0, 9.0, chunks=heard("one", "two")))
    assert read(job) == [(0, "one"), (1, "two")]
    live.keep(job, 2, heard("three"))  # the claim of before
    assert read(job) == [(0, "one"), (1, "two")]


def test_nothing_is_left_of_jobs_that_have_ended() -> None:
    (job, _), (other, _) = claimed(), claimed()
    for one in (job, other):
        live.keep(one, 0, heard("one"))
    finish_job(job, reason="It broke.")
    live.forget()
    assert list(LiveText.objects.values_list("job_id", flat=True)) == [other.pk]

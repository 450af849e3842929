"""Figures that are read from rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone
from prometheus_client.core import Metric

from tests.transcription.building import make_job, within
from transcription.engines.base import Output
from transcription.models import Delivery, Priority, Stage, State
from transcription.services.scheduling import speeds
from uploads.models import CleanupRun
from whisperx_site.monitoring import cleanups, jobs, webhooks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


def values_of(metrics: list[Metric]) -> dict[tuple[str, ...], float]:
    """Values by name and values of labels."""
    return {
        (sample.name.removeprefix("whisperx_"), *sample.labels.values()): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_the_queue_by_priority() -> None:
    now = timezone.now()
    for priority, waited in ((Priority.LOW, 900), (Priority.HIGH, 30), (Priority.HIGH, 60)):
        make_job(state=State.QUEUED, priority=priority, queued=now - timedelta(seconds=waited))
    make_job(state=State.PROCESSING, queued=now - timedelta(hours=9))
    make_job(state=State.QUEUED, stage=Stage.PAUSED, queued=now + timedelta(hours=1))  # a clock
    found = values_of(list(jobs.collect()))
    depth = {level: found["queue_jobs", level] for level in ("low", "normal", "high")}
    assert depth == {"low": 1, "normal": 1, "high": 2}
    assert found["queue_oldest_job_age_seconds", "low"] == pytest.approx(900, abs=60)
    assert found["queue_oldest_job_age_seconds", "normal"] == 0
    assert found["queue_oldest_job_age_seconds", "high"] == pytest.approx(60, abs=30)
    assert (found["jobs", "queued"], found["jobs", "processing"], found["jobs", "failed"]) == (
        4,
        1,
        0,
    )


def test_stages_add_up_and_newer_ones_count_more() -> None:
    output = Output("transcribe", "faster-whisper", {}, model="small", device="cpu")
    speeds.learn(output, 100.0, 50.0)
    speeds.learn(output, 100.0, 200.0)
    speeds.learn(output, 1.0, 9.0)  # too little to tell
    found = values_of(list(jobs.stages()))
    labels = ("transcribe", "faster-whisper", "small", "cpu")
    assert found["job_stage_duration_seconds_count", *labels] == 2
    assert found["job_stage_duration_seconds_sum", *labels] == 250
    assert found["job_stage_audio_seconds_total", *labels] == 200
    assert 1.25 < found["job_real_time_factor_ratio", *labels] < 2


def test_webhooks() -> None:
    now = timezone.now()
    for state, due in (
        (Delivery.State.WAITING, 100),
        (Delivery.State.WAITING, -100),
        (Delivery.State.GIVEN_UP, 9000),
        (Delivery.State.DELIVERED, 9000),
    ):
        next_attempt = now - timedelta(seconds=due)
        Delivery.objects.create(
            job=make_job(), url="http://x", state=state, next_attempt=next_attempt
        )
    found = values_of(list(webhooks.collect()))
    assert [found["webhooks", state] for state in ("waiting", "delivered", "given_up")] == [2, 1, 1]
    assert found["webhook_overdue_seconds",] == pytest.approx(100, abs=60)


def test_cleanups() -> None:
    """Those of the last day are added up; trials and running ones don't count."""
    assert "cleanup_last_run_errors" not in {
        name for name, *_ in values_of(list(cleanups.collect()))
    }
    now = timezone.now()
    for hours, done in ((30, True), (3, True), (1, True), (0, False)):
        began = now - timedelta(hours=hours)
        CleanupRun.objects.create(
            trigger="schedule",
            started=began,
            ended=began + timedelta(seconds=7) if done else None,
            expired=2,
            bytes_freed=10,
            errors=["x"] * hours,
            orphans_kept=hours,
        )
    CleanupRun.objects.create(trigger="staff", ended=now, dry_run=True, expired=50)
    found = values_of(list(cleanups.collect()))
    assert found["cleanup_last_run_errors",] == found["cleanup_orphans_kept",] == 1
    assert found["cleanup_last_run_duration_seconds",] == 7
    last = (now - timedelta(hours=1, seconds=-7)).timestamp()
    assert found["cleanup_last_run_timestamp_seconds",] == pytest.approx(last)
    assert found["cleanup_last_day_results", "expired"] == 6
    assert found["cleanup_last_day_results", "lost"] == 0
    assert found["cleanup_last_day_freed_bytes",] == 30

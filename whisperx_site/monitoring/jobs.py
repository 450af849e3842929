"""Jobs by state, the queue, and how long stages take."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from transcription.models import Job, LearnedSpeed, Priority, State
from whisperx_site.monitoring.slow_counts import A_MINUTE, kept

STAGE_LABELS = ("stage", "engine", "model", "device")


def collect() -> Iterator[Metric]:
    yield by_state()
    yield from queue()
    yield from stages()


def by_state() -> Metric:
    jobs = GaugeMetricFamily("whisperx_jobs", "Jobs by state.", labels=("state",))
    found = kept("jobs", A_MINUTE, count_by_state)
    for state in State.values:
        jobs.add_metric((state,), found.get(state, 0))
    return jobs


def count_by_state() -> dict[str, int]:
    """Counted in the index of state and time, without reading the rows."""
    return dict(Job.objects.order_by().values_list("state").annotate(Count("state")))


def queue() -> Iterator[Metric]:
    """Waiting jobs by priority: reads the waiting ones alone, by the index of the states."""
    depth = GaugeMetricFamily(
        "whisperx_queue_jobs", "Jobs that wait for their turn, by priority.", labels=("priority",)
    )
    age = GaugeMetricFamily(
        "whisperx_queue_oldest_job_age_seconds",
        "How long the longest waiting job has waited for its turn, by priority; 0: none waits.",
        labels=("priority",),
    )
    waiting = Job.objects.filter(state=State.QUEUED).order_by().values("priority")
    found = {
        row["priority"]: row for row in waiting.annotate(number=Count("pk"), since=Min("queued"))
    }
    now = timezone.now()
    for priority in Priority:
        row = found.get(priority.value)
        depth.add_metric((priority.label,), row["number"] if row else 0)
        waited = (now - row["since"]).total_seconds() if row else 0.0
        age.add_metric((priority.label,), max(0.0, waited))
    yield depth
    yield age


def stages() -> Iterator[Metric]:
    """One row of the database for each stage, engine, model and device."""
    duration = SummaryMetricFamily(
        "whisperx_job_stage_duration_seconds",
        "Time that jobs' stages worked on audio, without loading models.",
        labels=STAGE_LABELS,
    )
    audio = CounterMetricFamily(
        "whisperx_job_stage_audio_seconds",
        "Length of the audio that stages have worked on.",
        labels=STAGE_LABELS,
    )
    factor = GaugeMetricFamily(
        "whisperx_job_real_time_factor_ratio",
        "Work per audio of the last jobs, of which newer ones count more; below 1: faster than "
        "the recording.",
        labels=STAGE_LABELS,
    )
    for row in LearnedSpeed.objects.filter(work_seconds__gt=0, audio_seconds__gt=0):
        labels = (row.stage, row.engine, row.model, row.device)
        duration.add_metric(labels, row.runs, row.total_work_seconds)
        audio.add_metric(labels, row.total_audio_seconds)
        factor.add_metric(labels, row.work_seconds / row.audio_seconds)
    yield duration
    yield audio
    yield factor

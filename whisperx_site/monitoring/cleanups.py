"""What the cleanup has done: expiration, recovery, orphans."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from uploads.models import CleanupRun
from whisperx_site.monitoring.slow_counts import A_MINUTE, kept

RESULTS = {"expired": "expired", "recovered": "recovered", "strays": "orphaned", "lost": "lost"}
"""Fields of the records, with the names that the figures have."""


def collect() -> Iterator[Metric]:
    yield from last_run()
    yield from last_day()


def last_run() -> Iterator[Metric]:
    """The newest record, by its key."""
    runs = CleanupRun.objects.filter(dry_run=False, ended__isnull=False).defer("details")
    run = runs.order_by("-pk").first()
    if run is None or run.ended is None:
        return
    yield GaugeMetricFamily(
        "whisperx_cleanup_last_run_timestamp_seconds",
        "When the last cleanup ended.",
        value=run.ended.timestamp(),
    )
    yield GaugeMetricFamily(
        "whisperx_cleanup_last_run_duration_seconds",
        "How long the last cleanup took.",
        value=(run.ended - run.started).total_seconds(),
    )
    yield GaugeMetricFamily(
        "whisperx_cleanup_last_run_errors",
        "What the last cleanup could not do.",
        value=len(run.errors),
    )
    yield GaugeMetricFamily(
        "whisperx_cleanup_orphans_kept",
        "Files that belong to no upload, kept until staff confirm.",
        value=run.orphans_kept,
    )
    yield GaugeMetricFamily(
        "whisperx_cleanup_orphans_kept_bytes",
        "Bytes of the files that belong to no upload.",
        value=run.orphans_kept_bytes,
    )


def last_day() -> Iterator[Metric]:
    found = kept("cleanups", A_MINUTE, sums_of_last_day)
    results = GaugeMetricFamily(
        "whisperx_cleanup_last_day_results",
        "Uploads that cleanups of the last 24 hours expired, recovered or found to have lost "
        "bytes, and orphaned files that they removed.",
        labels=("result",),
    )
    for field, name in RESULTS.items():
        results.add_metric((name,), found[field] or 0)
    yield results
    yield GaugeMetricFamily(
        "whisperx_cleanup_last_day_freed_bytes",
        "Bytes that cleanups of the last 24 hours freed.",
        value=found["bytes_freed"] or 0,
    )


def sums_of_last_day() -> dict[str, int | None]:
    """Reads the records of UPLOADS_RECORD_RETENTION, some 150 a day."""
    since = timezone.now() - timedelta(days=1)
    runs = CleanupRun.objects.filter(dry_run=False, started__gte=since).order_by()
    return runs.aggregate(**{name: Sum(name) for name in (*RESULTS, "bytes_freed")})

"""Uploads by state."""

from collections.abc import Iterator

from django.db.models import Count, Sum
from prometheus_client.core import GaugeMetricFamily, Metric

from uploads.models import State, Upload
from whisperx_site.monitoring.slow_counts import A_MINUTE, kept


def collect() -> Iterator[Metric]:
    uploads = GaugeMetricFamily(
        "whisperx_uploads", "Uploads whose records are kept, by state.", labels=("state",)
    )
    found = kept("uploads", A_MINUTE, by_state)
    for state in State.values:
        uploads.add_metric((state,), found.get(state, 0))
    yield uploads


def by_state() -> dict[str, int]:
    """Counted in the index of state and expiration, without reading the rows."""
    return dict(Upload.objects.order_by().values_list("state").annotate(Count("state")))


def stored_bytes() -> int:
    """The bytes of all uploads that have any; reads all rows."""
    found = Upload.objects.filter(has_bytes=True).aggregate(total=Sum("offset"))
    return found["total"] or 0

"""Webhooks by state, and how late they are."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from transcription.models import Delivery
from whisperx_site.monitoring.slow_counts import A_MINUTE, kept


def collect() -> Iterator[Metric]:
    webhooks = GaugeMetricFamily("whisperx_webhooks", "Webhooks by state.", labels=("state",))
    found = kept("webhooks", A_MINUTE, by_state)
    for state in Delivery.State:
        webhooks.add_metric((state.name.lower(),), found.get(state.value, 0))
    yield webhooks
    yield GaugeMetricFamily(
        "whisperx_webhook_overdue_seconds",
        "How long the next try of the most overdue webhook has been due; 0: none is.",
        value=overdue_seconds(),
    )


def by_state() -> dict[str, int]:
    """Counted in the index of state and time, without reading the rows."""
    return dict(Delivery.objects.order_by().values_list("state").annotate(Count("state")))


def overdue_seconds() -> float:
    """The first entry of the same index."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    due = waiting.aggregate(first=Min("next_attempt"))["first"]
    return max(0.0, (timezone.now() - due).total_seconds()) if due else 0.0

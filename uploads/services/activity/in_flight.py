"""Uploads that are not finished yet: whether bytes arrive, how fast, and for how long still."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet, Sum

from uploads.models import State, Upload

QUIET_AFTER = timedelta(seconds=30)
"""Without bytes for so long an upload is quiet: paused, or its client is away."""
STALLED_AFTER = timedelta(minutes=15)
"""Without bytes for so long somebody should look."""


@dataclass(frozen=True)
class InFlight:
    """All unfinished uploads together.

    Attributes:
        count: How many there are.
        arriving: Those that have just received bytes.
        stalled: Those that have received nothing for STALLED_AFTER.
        held: Bytes received.
        missing: Bytes to come, as far as lengths are known.
    """

    count: int
    arriving: int
    stalled: int
    held: int
    missing: int


def receiving() -> QuerySet[Upload]:
    return Upload.objects.filter(state=State.RECEIVING)


def stalled(now: datetime) -> QuerySet[Upload]:
    return receiving().filter(last_activity__lt=now - STALLED_AFTER)


def summary(now: datetime) -> InFlight:
    """One query over the unfinished uploads."""
    found = (
        receiving()
        .order_by()
        .aggregate(
            count=Count("pk"),
            arriving=Count("pk", filter=Q(last_activity__gte=now - QUIET_AFTER)),
            stalled=Count("pk", filter=Q(last_activity__lt=now - STALLED_AFTER)),
            held=Sum("offset"),
            declared=Sum("length"),
            held_of_declared=Sum("offset", filter=Q(length__isnull=False)),
        )
    )
    missing = (found["declared"] or 0) - (found["held_of_declared"] or 0)
    return InFlight(
        found["count"], found["arriving"], found["stalled"], found["held"] or 0, missing
    )


def longest_quiet(count: int) -> Iterable[Upload]:
    """Those to look at first."""
    return receiving().select_related("owner").order_by("last_activity")[:count]


def mean_rate(upload: Upload) -> float | None:
    """Bytes per second since its creation, pauses included; None: too early to say."""
    seconds = (upload.last_activity - upload.created).total_seconds()
    return upload.offset / seconds if seconds > 1 else None


def time_left(upload: Upload) -> timedelta | None:
    """By the mean rate; None if rate or length aren't known."""
    rate = mean_rate(upload)
    if not rate or upload.length is None:
        return None
    return timedelta(seconds=(upload.length - upload.offset) / rate)

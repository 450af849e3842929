"""Serves the owners of waiting jobs in turn, however many jobs each has.

Next is the owner with the fewest running jobs; among equals, the one that has waited longest: since
one of their jobs was last started, or since their oldest waiting job arrived, whichever is later.
So a new owner waits for one job of each earlier owner, and goes ahead of all their others; however
many new owners come, each owner is served. The jobs of one owner run in order.
"""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet
from django.utils import timezone

from transcription.models import Job, State, Turn
from uploads.services.client_address import network_of, peer_of

REMEMBERED = timedelta(days=7)
CLOCK_SLACK = timedelta(minutes=1)  # clocks are often set back by a little


def turn_of(owner_id: int | None, address: str) -> str:
    """The owner for serving in turn.

    Args:
        owner_id: The job's owner; a key acts for its user.
        address: From `client_address`; used if the job has no owner. Only the connection's part
            counts.
    """
    if owner_id is not None:
        return f"user {owner_id}"
    return f"address {network_of(peer_of(address))}"[:64]


def next_job(waiting: "QuerySet[Job]") -> Job | None:
    """The next of these waiting jobs."""
    came = dict(waiting.order_by().values_list("turn").annotate(Min("queued")))
    if not came:
        return None
    at_work = Counter(Job.objects.filter(state=State.PROCESSING).values_list("turn", flat=True))
    served = dict(Turn.objects.values_list("key", "served"))

    def place(turn: str) -> tuple[int, datetime, datetime]:
        return at_work[turn], max(came[turn], served.get(turn, came[turn])), came[turn]

    turn = min(came, key=place)
    return waiting.filter(turn=turn).order_by("queued", "pk").first()


def note_served(job: Job) -> None:
    """Records that an owner's job was started."""
    turn = Turn(key=job.turn, served=timezone.now())
    Turn.objects.bulk_create(
        [turn], update_conflicts=True, unique_fields=["key"], update_fields=["served"]
    )


def forget_old_turns() -> None:
    """Deletes old entries, which no longer affect the order.

    Also those from the future, set by a clock that was ahead: they would affect it for too long.
    """
    now = timezone.now()
    Turn.objects.exclude(served__range=(now - REMEMBERED, now + CLOCK_SLACK)).delete()

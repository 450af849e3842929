"""What goes with uploads that end, for those who have to decide it."""

from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from uploads.models import State, Upload


@dataclass(frozen=True)
class Holdings:
    """What uploads hold.

    Attributes:
        count: Those that have not ended.
        finished: Those among them that are complete.
        size: Bytes in the store, of all of them together.
    """

    count: int
    finished: int
    size: int


def holdings(uploads: QuerySet[Upload]) -> Holdings:
    """What would be lost if these ended now."""
    alive = uploads.order_by().filter(state__in=(State.RECEIVING, State.FINISHED))
    finished = alive.filter(state=State.FINISHED).count()
    # Of those that have ended some may still hold bytes, which the next cleanup removes anyway.
    found = alive.aggregate(count=Count("pk"), size=Sum("offset"))
    return Holdings(found["count"], finished, found["size"] or 0)

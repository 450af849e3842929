"""What ending uploads would remove, for the users who decide."""

from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from uploads.models import State, Upload


@dataclass(frozen=True)
class Holdings:
    """What uploads hold in the store.

    Attributes:
        count: Uploads that have not ended.
        finished: Those of them that are complete.
        size: Their bytes in the store.
    """

    count: int
    finished: int
    size: int


def holdings(uploads: QuerySet[Upload]) -> Holdings:
    """What ending these uploads would remove."""
    alive = uploads.order_by().filter(state__in=(State.RECEIVING, State.FINISHED))
    finished = alive.filter(state=State.FINISHED).count()
    # Some ended uploads may still hold bytes; the next cleanup removes them anyway.
    found = alive.aggregate(count=Count("pk"), size=Sum("offset"))
    return Holdings(found["count"], finished, found["size"] or 0)

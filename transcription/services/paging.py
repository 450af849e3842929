"""Jobs page by page, newest first; the hundredth page costs the same as the first.

A page begins at a job's position, not at a number, so new and deleted jobs shift nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from transcription.models import Job

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATEST = 253402300799 * 10**6  # microseconds of the largest datetime


@dataclass(frozen=True)
class Place:
    """A job's position in the list."""

    created: datetime
    pk: uuid.UUID

    def __str__(self) -> str:
        return f"{(self.created - EPOCH) // MICROSECOND}-{self.pk.hex}"

    @property
    def older(self) -> Q:
        """Conditions for the jobs after it; the first one uses the index."""
        same = Q(created=self.created, pk__lt=self.pk)
        return Q(created__lte=self.created) & (Q(created__lt=self.created) | same)

    @property
    def newer(self) -> Q:
        same = Q(created=self.created, pk__gt=self.pk)
        return Q(created__gte=self.created) & (Q(created__gt=self.created) | same)


@dataclass(frozen=True)
class Page:
    """Some jobs, and the positions of the pages before and after; "" if there is none.

    Attributes:
        jobs: Newest first.
        newer: For `after`.
        older: For `before`.
    """

    jobs: list[Job]
    newer: str = ""
    older: str = ""


def read_place(text: str) -> Place | None:
    """The position from its text form; None for any other text."""
    since, _, key = text.partition("-")
    if not (since.isascii() and since.isdecimal() and len(since) <= 18 and int(since) <= LATEST):
        return None
    try:
        return Place(EPOCH + int(since) * MICROSECOND, uuid.UUID(key))
    except ValueError:
        return None


def page_of(jobs: QuerySet[Job], size: int, before: str = "", after: str = "") -> Page:
    """One page.

    Args:
        jobs: All jobs, in any order.
        size: The page size.
        before: Show jobs older than this position; an invalid one, or one without older jobs, gives
            the first page.
        after: Show jobs newer than this position.
    """
    newest = jobs.order_by("-created", "-pk")
    if place := read_place(before):
        found = list(newest.filter(place.older)[: size + 1])
        if found:
            return shown(found, size, has_newer=True)
    if place := read_place(after):
        found = list(jobs.order_by("created", "pk").filter(place.newer)[: size + 1])
        if len(found) > size:  # otherwise the first page shows all of them
            found = found[size - 1 :: -1]
            return Page(found, newer=str(place_of(found[0])), older=str(place_of(found[-1])))
    return shown(list(newest[: size + 1]), size, has_newer=False)


def shown(found: list[Job], size: int, has_newer: bool) -> Page:
    """A page of these jobs; one job more than the page size shows that there are more."""
    jobs = found[:size]
    return Page(
        jobs,
        newer=str(place_of(jobs[0])) if has_newer else "",
        older=str(place_of(jobs[-1])) if len(found) > size else "",
    )


def place_of(job: Job) -> Place:
    return Place(job.created, job.pk)

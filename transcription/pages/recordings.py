"""The list of recordings: filters from the address, and the page of results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, QueryDict

from transcription.models import ACTIVE, Job, State
from transcription.pages.serializers import job_row, upload_row
from transcription.services.jobs.queries import listed
from transcription.services.paging import Page, page_of
from transcription.services.scheduling.estimates import Expectation, places
from transcription.services.unfinished import unfinished_uploads
from uploads.services.lookup import User

PAGE_SIZE = 25
LONGEST_NAME = 200  # characters of a name that are searched for
LONGEST_QUERY = 4000  # characters: such a name in any script, a state and a place

# Groups of states for users, by their words in addresses.
GROUPS: Mapping[str, tuple[str, tuple[State, ...]]] = {
    "active": ("In progress", ACTIVE),
    "done": ("Done", (State.COMPLETED, State.WARNINGS)),
    "failed": ("Failed", (State.FAILED,)),
    "cancelled": ("Cancelled", (State.CANCELLED,)),
}


@dataclass(frozen=True)
class Filters:
    """The filters of the list.

    Attributes:
        name: Part of the file's name; empty: any.
        state: A key of GROUPS; empty: any.
        before: Show older ones than this position.
        after: Show newer ones than this position.
    """

    name: str = ""
    state: str = ""
    before: str = ""
    after: str = ""

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> "Filters":
        """Parses an address; invalid values are ignored."""
        state = str(query.get("state", ""))
        return cls(
            str(query.get("q", "")).strip()[:LONGEST_NAME],
            state if state in GROUPS else "",
            str(query.get("before", "")),
            str(query.get("after", "")),
        )

    @property
    def narrow(self) -> bool:
        return bool(self.name or self.state)

    @property
    def with_uploads(self) -> bool:
        """Whether unfinished uploads are shown on this page."""
        return self.state in ("", "active") and not (self.before or self.after)

    def address(self, **place: str) -> str:
        wanted = {"q": self.name, "state": self.state, **place}
        query = urlencode({key: value for key, value in wanted.items() if value})
        return f"/?{query}#recordings" if query else "/"


def listing(user: User, filters: Filters, size: int = PAGE_SIZE) -> dict[str, Any]:
    """The recordings that this user may see, for the page and its script."""
    states = GROUPS[filters.state][1] if filters.state else None
    jobs = listed(user, filters.name, states)
    page = page_of(jobs, size, filters.before, filters.after)
    uploads = unfinished_uploads(user, filters.name) if filters.with_uploads else []
    return {
        "uploads": [upload_row(upload, user) for upload in uploads],
        "jobs": rows_of(page.jobs),
        **neighbours(filters, page),
    }


def rows_of(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Rows of jobs; the waiting ones with their places, which are worked out once for all."""
    known = places() if any(job.state == State.QUEUED for job in jobs) else {}
    return [job_row(job, Expectation(*known.get(job.pk, (None, None)))) for job in jobs]


def neighbours(filters: Filters, page: Page) -> dict[str, str]:
    """The addresses of the newer and older page; "" if there is none."""
    return {
        "newer": filters.address(after=page.newer) if page.newer else "",
        "older": filters.address(before=page.older) if page.older else "",
    }


def list_left(request: HttpRequest) -> str:
    """The address of the list that the user came from."""
    try:
        came = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return "/"
    if came.netloc != request.get_host() or came.path != "/":
        return "/"
    filters = Filters.of(QueryDict(came.query[:LONGEST_QUERY]))
    return filters.address(before=filters.before, after=filters.after)

"""An upload's timeline in words: where it came from, what brought bytes, how it ended."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from uploads.admin_pages.base import plural
from uploads.models import State, Upload
from uploads.services.activity.timeline import Visit, visits_in

GAP = timedelta(minutes=1)
"""A pause between two visits that is worth a word."""


class Moment(NamedTuple):
    """Something that happened.

    Attributes:
        when: Its time.
        what: In words.
    """

    when: datetime
    what: str | SafeString


def moments(upload: Upload) -> Iterator[Moment]:
    """What its row tells, in order."""
    client = f" with {upload.client_agent}" if upload.client_agent else ""
    came_from = f" from {upload.client_address}" if upload.client_address else ""
    yield Moment(upload.created, f"Created{came_from}{client}.")
    before: Visit | None = None
    for visit in visits_in(upload.timeline):
        yield Moment(visit.beginning, of_visit(visit, before, upload.length))
        if visit.cut:
            yield Moment(visit.end, f"Interrupted. {visit.cut}")
        before = visit
    if upload.finished:
        yield Moment(upload.finished, "Finished: all bytes are held.")
    elif upload.state != State.RECEIVING:
        said = f"{upload.get_state_display().capitalize()}. {upload.failure}"
        yield Moment(upload.last_activity, said.strip())
    if upload.lost:
        yield Moment(upload.lost, "Bytes were found to be missing.")


def of_visit(visit: Visit, before: Visit | None, length: int | None) -> str:
    """Who brought how much, how fast, and how far the upload is since."""
    sender = f" from {visit.address}" if visit.address else ""
    if visit.merged > 1:
        sender = f" in {visit.merged} visits"
    verb = "Received" if before is None else "Resumed" if before.cut else "Went on"
    pause = visit.beginning - before.end if before else timedelta()
    paused = f" after {span(pause)}" if pause > GAP else ""
    requests = plural(visit.requests, "request")
    rate = f", {filesizeformat(visit.rate)}/s" if visit.rate else ""
    total = f" of {filesizeformat(length)}" if length else ""
    return (
        f"{verb}{paused}{sender}: {filesizeformat(visit.size)} in {requests}, "
        f"{span(visit.end - visit.beginning)}{rate}; {filesizeformat(visit.held)}{total} held."
    )


def span(time: timedelta) -> str:
    """Hours, minutes and seconds, without leading zeros."""
    seconds = int(time.total_seconds())
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "under a second"


def told(found: Iterable[Moment]) -> SafeString:
    """The moments as a list, the oldest first."""
    rows = sorted(found, key=lambda moment: moment.when)
    lines = format_html_join(
        "",
        '<li><time datetime="{}">{}</time> {}</li>',
        (
            (when.isoformat(), f"{timezone.localtime(when):%Y-%m-%d %H:%M:%S}", what)
            for when, what in rows
        ),
    )
    return format_html('<ol class="timeline">{}</ol>', lines)

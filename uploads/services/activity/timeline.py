"""What brought an upload's bytes: visits, one after the other, kept as JSON in its row.

Requests in a row from one address share a visit, until one of them is cut off. Written with the
progress that each request records anyway, so it costs no query of its own; it is for staff, and
decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

MOST = 200
"""Visits that are kept; those in the middle are merged into one."""
FIRST = 50
"""Visits at the beginning that stay apart."""
VISIT_ENDS_AFTER = 300.0
"""Seconds without a request after which the next one is another visit."""


@dataclass(frozen=True)
class Visit:
    """Requests in a row from one address.

    Attributes:
        begun: When the first one began; seconds since 1970.
        ended: When the last one last brought bytes.
        address: The client's; empty: no longer known.
        held: Bytes of the upload that were held at its end.
        size: Bytes that it brought.
        requests: Requests that brought bytes.
        cut: Why the last one ended early; empty: it didn't.
        merged: Visits that this one stands for.
    """

    begun: float
    ended: float
    address: str
    held: int
    size: int
    requests: int = 1
    cut: str = ""
    merged: int = 1

    @property
    def beginning(self) -> datetime:
        return datetime.fromtimestamp(self.begun, UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.ended, UTC)

    @property
    def rate(self) -> float | None:
        """Bytes per second; None: too short to tell."""
        seconds = self.ended - self.begun
        return self.size / seconds if seconds >= 1 else None


def visits_in(text: str) -> list[Visit]:
    """The visits, the oldest first."""
    return [Visit(*values) for values in json.loads(text)] if text else []


def with_visit(text: str, visit: Visit) -> str:
    """The text with one more request.

    Args:
        text: As it was when the request began.
        visit: This request's.
    """
    if not text:
        return _written([visit])
    visits = visits_in(text)
    if _goes_on(visits[-1], visit):
        visits[-1] = _joined(visits[-1], visit, visits[-1].merged)
    else:
        visits.append(visit)
    if len(visits) > MOST:
        first, second = visits[FIRST : FIRST + 2]
        visits[FIRST : FIRST + 2] = [_joined(first, second, first.merged + second.merged)]
    return _written(visits)


def without_addresses(text: str) -> str:
    return _written([replace(visit, address="") for visit in visits_in(text)]) if text else ""


def _goes_on(last: Visit, next_one: Visit) -> bool:
    soon = next_one.begun - last.ended < VISIT_ENDS_AFTER
    return soon and not last.cut and last.address == next_one.address and last.merged == 1


def _joined(one: Visit, other: Visit, merged: int) -> Visit:
    return Visit(
        begun=one.begun,
        ended=other.ended,
        address=one.address if one.address == other.address else "",
        held=other.held,
        size=one.size + other.size,
        requests=one.requests + other.requests,
        cut=other.cut,
        merged=merged,
    )


def _written(visits: Sequence[Visit]) -> str:
    """Values without names: it is read and written with every request."""
    rows = [
        [
            round(one.begun, 1),
            round(one.ended, 1),
            *(one.address, one.held, one.size, one.requests, one.cut, one.merged),
        ]
        for one in visits
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))

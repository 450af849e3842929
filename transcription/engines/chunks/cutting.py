"""Cuts a recording into chunks at its longest pauses, from left to right.

A cut depends on what was heard after the cut before it, and on no more than `SPAN` from there: the
cuts of a recording's beginning are those of the whole, but for the last, and who goes on after any
chunk finds the same chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Run = tuple[int, int]
"""From one window to before another."""

PAUSE = 4
"""Windows of silence that are a pause: an eighth of a second."""
LONG_PAUSE = 62
"""Windows: of a longer pause, only its edges are heard. Two seconds."""
EDGE = 10
"""Windows of silence that are left around speech: a third of a second."""
SEARCH = 312
"""Windows before the end of a full chunk in which its last pause is looked for."""
SPAN = 1875
"""Windows that a chunk may span, long pauses included: a minute."""


@dataclass(frozen=True)
class Rules:
    """How to cut.

    Attributes:
        limit: The most windows that a chunk may hold.
        onset: Speech begins where it is at least that probable,
        offset: and ends where it is less probable than that.
    """

    limit: int
    onset: float
    offset: float


@dataclass(frozen=True)
class Cut:
    """A chunk, in windows from where the search began.

    Attributes:
        pieces: What is heard of it.
        speech: Where someone speaks in it.
        pause: Windows of silence that follow.
    """

    pieces: tuple[Run, ...]
    speech: tuple[Run, ...]
    pause: int = 0

    @property
    def end(self) -> int:
        """Where the search for the next one begins."""
        return self.pieces[-1][1]

    @property
    def length(self) -> int:
        """Windows that are heard."""
        return sum(end - start for start, end in self.pieces)


def cut(speech: Sequence[float], rules: Rules, is_all: bool) -> Cut | None:
    """The first chunk; None if there is no speech, or more must be heard to know where it ends.

    Args:
        speech: The probability of speech in each window.
        rules: How to cut.
        is_all: Whether the recording ends there.
    """
    first = next((at for at, likely in enumerate(speech) if likely >= rules.onset), None)
    if first is None or (len(speech) < first + SPAN and not is_all):
        return None
    view = min(len(speech), first + SPAN)
    runs = list(_runs(speech, first, view, rules))
    if len(runs) > 1 and runs[-1][1] == view < len(speech):
        runs.pop()  # it has no end yet
    ends = list(_ends(runs, view, rules.limit))
    if len(ends) == len(runs):
        return ends[-1]
    return _best(ends, rules.limit) or _forced(speech, first, rules.limit)


def _runs(speech: Sequence[float], first: int, view: int, rules: Rules) -> Iterator[Run]:
    """Speech without a pause in it."""
    start, end = first, first + 1
    for at in range(first + 1, view):
        if speech[at] >= rules.onset or (at == end and speech[at] >= rules.offset):
            if at - end >= PAUSE:
                yield start, end
                start = at
            end = at + 1
    yield start, end


def _ends(runs: Sequence[Run], view: int, limit: int) -> Iterator[Cut]:
    """The chunk, if it ended after the first run, after the second, and so on."""
    pieces: list[Run] = []
    begin = max(0, runs[0][0] - EDGE)
    for number, (_, end) in enumerate(runs, 1):
        is_last = number == len(runs)
        following = view if is_last else runs[number][0]
        pause = following - end
        edge = min(EDGE, pause if is_last else pause // 2)
        made = Cut((*pieces, (begin, end + edge)), tuple(runs[:number]), pause)
        if made.length > limit:
            return
        yield made
        if pause > LONG_PAUSE:
            pieces.append((begin, end + EDGE))
            begin = following - EDGE


def _best(ends: Sequence[Cut], limit: int) -> Cut | None:
    """The one before the longest pause, of those that fill most of a chunk."""
    full = [one for one in ends if one.length >= limit - SEARCH]
    if full:
        return max(full, key=lambda one: (one.pause, one.length))
    return ends[-1] if ends and ends[-1].length >= limit // 3 else None


def _forced(speech: Sequence[float], first: int, limit: int) -> Cut:
    """Speech without pauses is cut where it is least like speech."""
    begin = max(0, first - EDGE)
    late = range(begin + limit - SEARCH // 3, begin + limit)
    end = min(late, key=lambda at: speech[at])
    return Cut(((begin, end),), ((first, end),))

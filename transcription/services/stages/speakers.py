"""Speaker assignment: joins a transcript's words with speaker turns. Pure functions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import frexp
from operator import itemgetter
from typing import Any

Segment = dict[str, Any]
_Turn = tuple[float, float, str]
SHORTEST = 0.001
"""Seconds: shorter turns are stored with those of this length."""


def assign(
    segments: Iterable[Segment],
    turns: Iterable[Mapping[str, Any]],
    check_cancelled: Callable[[], None] = lambda: None,
) -> list[Segment]:
    """Gives each segment and each word the speaker who speaks most of its time.

    If there is no speaker, or a word has no times, the key "speaker" is missing. Several turns of
    one speaker count together; of speakers with equal shares, the one who began first wins.

    Args:
        segments: With "start", "end" (seconds) and maybe "words"; they are not changed.
        turns: With "speaker", "start", "end", in any order; they may overlap.
        check_cancelled: Called before each segment: if very many turns overlap, this takes long.
            What it raises ends the work.
    """
    table = _Turns(turns)
    joined = []
    for segment in segments:
        check_cancelled()
        made = _spoken(segment, table)
        if "words" in segment:
            made["words"] = [_spoken(word, table) for word in segment["words"] or ()]
        joined.append(made)
    return joined


def _spoken(part: Mapping[str, Any], table: _Turns) -> Segment:
    """A segment or word with its speaker, if there is one."""
    made = {key: value for key, value in part.items() if key != "speaker"}
    start, end = part.get("start"), part.get("end")
    speaker = table.speaker(start, end) if start is not None and end is not None else None
    return made if speaker is None else {**made, "speaker": speaker}


class _Turns:
    """Turns by length, in classes of doubling lengths.

    In a class, the turns that may overlap an interval begin within a range not much longer than it.
    So with one turn of several hours, not every word has to be compared with all turns.
    """

    def __init__(self, turns: Iterable[Mapping[str, Any]]) -> None:
        classes: dict[int, list[_Turn]] = {}
        for turn in turns:
            start, end = float(turn["start"]), float(turn["end"])
            longest = frexp(max(end - start, SHORTEST))[1]  # shorter than this power of 2
            classes.setdefault(longest, []).append((start, end, str(turn["speaker"])))
        self._classes = {2.0**longest: sorted(alike) for longest, alike in classes.items()}

    def speaker(self, start: float, end: float) -> str | None:
        """The speaker who speaks most in this interval; None: none."""
        shares: dict[str, tuple[float, float]] = {}
        for began, ended, name in self._near(start, end):
            shared = min(end, ended) - max(start, began)
            # A word may have no length at all.
            if shared > 0 or (shared == 0 and start == end):
                before, first = shares.get(name, (0.0, -began))
                shares[name] = before + shared, max(first, -began)
        return max(shares, key=shares.__getitem__, default=None)

    def _near(self, start: float, end: float) -> Iterator[_Turn]:
        """All turns that overlap this time, and few others."""
        for longest, alike in self._classes.items():
            first = bisect_left(alike, start - longest, key=itemgetter(0))
            last = bisect_right(alike, end, key=itemgetter(0))
            yield from alike[first:last]

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
"""Seconds: shorter turns are kept with those of this length."""


def assign(
    segments: Iterable[Segment],
    turns: Iterable[Mapping[str, Any]],
    check_cancelled: Callable[[], None] = lambda: None,
) -> list[Segment]:
    """Give each segment and each of its words the speaker who speaks most of its time.

    Where nobody speaks, and for a word without times, there is no key "speaker". Several turns of
    one speaker count together; of speakers with equal shares the one who began first is taken.

    Args:
        segments: With "start", "end" (seconds) and maybe "words"; they are not changed.
        turns: With "speaker", "start", "end", in any order; they may overlap.
        check_cancelled: Called before each segment: where very many turns overlap, this takes
            long. What it raises ends the work.
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
    """Turns by their lengths, in classes each twice as long as the one before.

    In a class, those that may reach into a stretch of time begin within a stretch that is not much
    longer: so one turn that lasts for hours does not make every word look at all the others.
    """

    def __init__(self, turns: Iterable[Mapping[str, Any]]) -> None:
        classes: dict[int, list[_Turn]] = {}
        for turn in turns:
            start, end = float(turn["start"]), float(turn["end"])
            longest = frexp(max(end - start, SHORTEST))[1]  # below 2 to the power of that
            classes.setdefault(longest, []).append((start, end, str(turn["speaker"])))
        self._classes = {2.0**longest: sorted(alike) for longest, alike in classes.items()}

    def speaker(self, start: float, end: float) -> str | None:
        """The speaker who speaks most in this interval; None: none."""
        shares: dict[str, tuple[float, float]] = {}
        for began, ended, name in self._near(start, end):
            shared = min(end, ended) - max(start, began)
            # A word may be so short that it has no length at all.
            if shared > 0 or (shared == 0 and start == end):
                before, first = shares.get(name, (0.0, -began))
                shares[name] = before + shared, max(first, -began)
        return max(shares, key=shares.__getitem__, default=None)

    def _near(self, start: float, end: float) -> Iterator[_Turn]:
        """All turns that reach into this time, and few others."""
        for longest, alike in self._classes.items():
            first = bisect_left(alike, start - longest, key=itemgetter(0))
            last = bisect_right(alike, end, key=itemgetter(0))
            yield from alike[first:last]

"""Finds the words of a segment that is longer than a model hears at once, window by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from transcription.engines.base import Word

WINDOW = 30.0
"""Seconds that Whisper hears at once."""
MARGIN = 2.0
"""Seconds before a window's end in which a word may be cut off: the next window has it whole."""
MORE_WORDS = 1.5
"""How many of the words that a window should have by its length are looked for, since there may be
fewer pauses in it. Too many are no harm: those that are not there have no probability.
"""
SURE = 0.3
"""A word with this probability is in the window, and so are those before it."""

Find = Callable[[Sequence[str], float, float], list[Word] | None]
"""Called with words, and the start and end of at most WINDOW seconds; see `find_words`."""


def find_in_windows(
    find: Find, written: Sequence[str], start: float, end: float
) -> list[Word] | None:
    """The words with their times; None if they are not found."""
    found: list[Word] = []
    while end - start > WINDOW and len(found) < len(written):
        rest, stop = written[len(found) :], start + WINDOW
        share = MORE_WORDS * WINDOW / (end - start)
        kept = _kept(find(_first(rest, share), start, stop) or [], stop - MARGIN)
        found += kept
        start = kept[-1]["end"] if kept else stop - MARGIN  # of silence, perhaps
    if len(found) == len(written):
        return found
    last = find(written[len(found) :], start, end)
    return None if last is None else [*found, *last]


def _first(written: Sequence[str], share: float) -> Sequence[str]:
    """The first words, up to this share of all letters."""
    letters = list(accumulate(len(word) for word in written))
    count = sum(sum_ <= share * letters[-1] for sum_ in letters)
    return written[: max(1, count)]


def _kept(found: Sequence[Word], before: float) -> list[Word]:
    """The words that surely end before this moment."""
    sure = [
        number
        for number, word in enumerate(found, 1)
        if word.get("score", 0.0) >= SURE and word["end"] <= before
    ]
    return list(found[: sure[-1]]) if sure else []

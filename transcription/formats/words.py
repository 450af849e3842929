"""Finds a segment's words in its text, and when each part of the text is spoken."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise, zip_longest
from typing import NamedTuple

from transcription.formats.graphemes import bounds

OPENING = "([{\"'“‘„‚«‹¿¡「『（〔【［｛《〈〖〘"
SENTENCE_END = re.compile(r"[.!?…。！？؟।॥۔][\"'”’»)\]」』]*\s*$")
SLOWEST_LETTER = 150  # milliseconds per letter: the longest time of a word without times


class Word(NamedTuple):
    """A word with its time in milliseconds; both are None if unknown."""

    text: str
    start: int | None
    end: int | None


class Stretch(NamedTuple):
    """A part of a text, with the time in milliseconds in which it is spoken.

    Attributes:
        begin: Its position in the text; it ends where the next one begins.
        letters: The number of spoken characters, without the spaces that follow.
        start: When it begins.
        end: When it ends.
    """

    begin: int
    letters: int
    start: int
    end: int

    def moment(self, place: int) -> int:
        """The time at this position of the text."""
        letters = min(place - self.begin, self.letters)
        return self.start + (self.end - self.start) * letters // max(1, self.letters)


def beginnings(text: str, words: Sequence[str]) -> list[int]:
    """The position in the text at which each word's part begins, including signs before the word.

    Texts are split at these positions instead of being joined from words, because Chinese and
    Japanese have no spaces. If an engine splits what readers see as one letter, the first word gets
    all of it.

    Returns:
        One position for each word, in order; the first is 0. Empty if a word is not in the text.
    """
    found: list[int] = []
    position = 0
    allowed = bounds(text) if words and not text.isascii() else None
    for word in map(str.strip, words):
        place = text.find(word, position)
        if place < 0:
            return []
        begin = _before_signs(text, position, place) if found else 0
        position = place + len(word)
        if allowed:
            begin = allowed[bisect_left(allowed, begin)]
        found.append(max(begin, found[-1] if found else 0))
    return found


def _before_signs(text: str, position: int, place: int) -> int:
    """The position after the last space between two words; without spaces, before opening
    brackets."""
    between = text[position:place]
    blank = max(between.rfind(" "), between.rfind("\u3000"))
    return position + (blank + 1 if blank >= 0 else len(between.rstrip(OPENING)))


def stretches(
    text: str, words: Sequence[Word], begins: Sequence[int], start: int, end: int
) -> list[Stretch]:
    """When each part of a text is spoken, in milliseconds that never decrease.

    Args:
        text: The whole text.
        words: Its words. A word without a time, or with one outside the text's, gets the free time
            beside it; if no word has a time, all share the text's time by letters.
        begins: Their `beginnings`.
        start: When the text begins.
        end: When it ends.
    """
    words = [_within(word, start, end) for word in words]
    if not begins or all(word.start is None for word in words):
        return [Stretch(0, len(text), start, end)]
    letters = [len(text[a:b].rstrip()) for a, b in pairwise((*begins, len(text)))]
    times = _filled(list(zip(words, letters, strict=True)), start, end)
    return [
        Stretch(begin, count, *time)
        for begin, count, time in zip(begins, letters, times, strict=True)
    ]


def _within(word: Word, start: int, end: int) -> Word:
    """The word, without its time if that is outside its segment's."""
    if word.start is None or word.end is None or word.start > end or word.end < start:
        return Word(word.text, None, None)
    return Word(word.text, max(start, word.start), min(end, word.end))


def _filled(words: Sequence[tuple[Word, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """A time for each word; each has its number of letters."""
    groups = [list(group) for _, group in groupby(words, key=lambda one: one[0].start is None)]
    last = start
    for before, group, following in zip_longest([None, *groups[:-1]], groups, groups[1:]):
        if group[0][0].start is not None:
            times = _timed(group, last)
        else:
            until = max(last, following[0][0].start or 0) if following else end
            is_new = before and following and SENTENCE_END.search(before[-1][0].text)
            times = _spread(group, last, until, bool(is_new))
        for time in times:
            yield time
            last = time[1]


def _timed(words: Sequence[tuple[Word, int]], last: int) -> Iterator[tuple[int, int]]:
    for word, _ in words:
        start = max(last, word.start or 0)
        last = max(start, word.end or 0)
        yield start, last


def _spread(
    words: Sequence[tuple[Word, int]], start: int, until: int, is_late: bool
) -> Iterator[tuple[int, int]]:
    """Times by length, at most at normal speed; the rest is a pause after them or, if `is_late`,
    before."""
    total = max(1, sum(letters for _, letters in words))
    spoken = min(max(0, until - start), total * SLOWEST_LETTER)
    begin = until - spoken if is_late else start
    counted = accumulate((letters for _, letters in words), initial=0)
    yield from pairwise(begin + spoken * count // total for count in counted)

"""Cut a long text into subtitles that can be read: two lines of 42 characters, seven seconds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LINE_CHARACTERS = 42  # what broadcasters allow in one subtitle line
CUE_CHARACTERS = 2 * LINE_CHARACTERS
CUE_MILLISECONDS = 7000

_CLAUSE_END = re.compile(r"[.!?…,;:。！？、，；：][\"'”’»)\]]*\s*$")


@dataclass(frozen=True)
class Word:
    """A word, or the stretch of text that it begins, with its time in milliseconds."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """One subtitle of several: one or two lines and the time (milliseconds) of its words."""

    lines: tuple[str, ...]
    start: int
    end: int


def readable_parts(text: str, words: Sequence[Word]) -> list[Part]:
    """Cut a text of more than two lines where its words allow.

    Returns:
        The parts in order; empty if the text is short enough, or if the words are not its words.
    """
    stretches = _stretches(text, words) if len(text) > CUE_CHARACTERS else []
    return [
        Part(_two_lines(_joined(group)), group[0].start, group[-1].end)
        for group in _groups(stretches)
    ]


def places(text: str, words: Sequence[str]) -> list[int]:
    """Where in the text each word begins, one after the other; empty if a word is not in it.

    Texts are cut at these places rather than joined of words, because Chinese or Japanese have no
    blanks.
    """
    found: list[int] = []
    position = 0
    for word in words:
        place = text.find(word.strip(), position)
        if place < 0:
            return []
        found.append(place)
        position = place + len(word.strip())
    return found


def _stretches(text: str, words: Sequence[Word]) -> list[Word]:
    """Cut the text before each word; empty if a word is not in it."""
    starts = places(text, [word.text for word in words])
    if not starts:
        return []
    ends = [*starts[1:], len(text)]
    starts[0] = 0
    return [
        Word(text[a:b], word.start, word.end)
        for a, b, word in zip(starts, ends, words, strict=True)
    ]


def _groups(stretches: Sequence[Word]) -> Iterator[list[Word]]:
    """Pack words as long as they fit into one subtitle; end it after a clause where possible."""
    group: list[Word] = []
    for stretch in stretches:
        while group and not _fits([*group, stretch]):
            kept = _up_to_last_clause(group)
            yield group[:kept]
            group = group[kept:]
        group.append(stretch)
    if group:
        yield group


def _fits(group: Sequence[Word]) -> bool:
    short = all(len(line) <= LINE_CHARACTERS for line in _two_lines(_joined(group)))
    return short and group[-1].end - group[0].start <= CUE_MILLISECONDS


def _up_to_last_clause(group: Sequence[Word]) -> int:
    """How many words to keep: up to the last clause end in the second half, else all."""
    for count in range(len(group), len(group) // 2, -1):
        if _CLAUSE_END.search(group[count - 1].text):
            return count
    return len(group)


def _joined(group: Sequence[Word]) -> str:
    return "".join(word.text for word in group).strip()


def _two_lines(text: str) -> tuple[str, ...]:
    """One line if it is short, else two as even as the blanks (or, without any, letters) allow."""
    if len(text) <= LINE_CHARACTERS:
        return (text,)
    middle = len(text) // 2
    blanks = (match.start() for match in re.finditer(" ", text))
    cut = min(blanks, key=lambda blank: abs(blank - middle), default=middle)
    return (text[:cut].strip(), text[cut:].strip())

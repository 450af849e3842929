"""Splits a text into readable subtitles: two lines of 42 columns, seven seconds."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

from transcription.formats.graphemes import width
from transcription.formats.pieces import LINE_COLUMNS, Piece, pieces
from transcription.formats.words import SENTENCE_END, Word, beginnings, stretches

LINES = 2
CUE_MILLISECONDS = 7000
MOST_PIECES = 200  # in one subtitle; pieces without width would never fill one
PAUSE_MILLISECONDS = 2000  # a cue that must be split is split at pauses of this length

_CLAUSE_END = re.compile(r"[.!?…,;:。！？、，；：؟،؛।॥۔][\"'”’»)\]」』]*\s*$")

Place = tuple[int, int]
"""The position of a piece: its line number, and the columns used before it."""


@dataclass(frozen=True)
class CuePart:
    """One of several subtitles: one or two lines, with their time in milliseconds."""

    lines: tuple[str, ...]
    start: int
    end: int


def is_readable(lines: Sequence[str], duration: int, label: int) -> bool:
    """Whether a cue can stay as it is.

    Args:
        lines: The lines of its text.
        duration: In milliseconds.
        label: The columns of the label before the first line.
    """
    widths = [label * (not number) + width(line) for number, line in enumerate(lines)]
    return (
        duration <= CUE_MILLISECONDS
        and len(widths) <= LINES
        and all(columns <= LINE_COLUMNS for columns in widths)
    )


def readable_parts(
    text: str, words: Sequence[Word], start: int, end: int, label: int
) -> Iterator[CuePart]:
    """Splits a text into subtitles, at words.

    Args:
        text: In one line.
        words: Its words, as far as they are known.
        start: When it begins, in milliseconds.
        end: When it ends.
        label: The columns of the label before the first line of each subtitle.
    """
    spoken = stretches(text, words, beginnings(text, [word.text for word in words]), start, end)
    if spoken[0].start - start < PAUSE_MILLISECONDS:
        spoken[0] = spoken[0]._replace(start=start)
    if end - spoken[-1].end < PAUSE_MILLISECONDS:
        spoken[-1] = spoken[-1]._replace(end=end)
    pause = PAUSE_MILLISECONDS if end - start > CUE_MILLISECONDS else CUE_MILLISECONDS
    last = 0
    for group in _evened(_groups(pieces(text, spoken), label, pause), label):
        begin = max(last, group[0].start)
        last = min(max(begin + 1, group[-1].end), begin + CUE_MILLISECONDS)
        if lines := _lines(group, label):
            yield CuePart(lines, begin, last)


def _groups(said: Iterable[Piece], label: int, pause: int) -> Iterator[list[Piece]]:
    """Packs pieces as long as they fit into one subtitle; ends it after a sentence if possible."""
    group: list[Piece] = []
    place = (1, label)
    for piece in said:
        while group and not _fits(group, piece, _placed(place, piece), pause):
            is_pause = piece.start - group[-1].end >= pause
            kept = len(group) if is_pause else _up_to_last_end(group)
            yield group[:kept]
            group = group[kept:]
            place = reduce(_placed, group, (1, label))
        group.append(piece)
        place = _placed(place, piece)
    if group:
        yield group


def _placed(place: Place, piece: Piece) -> Place:
    """The position of the next piece."""
    line, used = place
    if used and used + piece.width > LINE_COLUMNS:
        line, used = line + 1, 0
    return line, used + piece.width + piece.gap


def _fits(group: Sequence[Piece], piece: Piece, place: Place, pause: int) -> bool:
    return (
        place[0] <= LINES
        and len(group) < MOST_PIECES
        and piece.end - group[0].start <= CUE_MILLISECONDS
        and piece.start - group[-1].end < pause
    )


def _up_to_last_end(group: Sequence[Piece]) -> int:
    """The number of pieces to keep: up to the last end of a sentence or clause in the second
    half."""
    for end in (SENTENCE_END, _CLAUSE_END):
        for count in range(len(group), len(group) // 2, -1):
            if end.search(group[count - 1].text):
                return count
    return len(group)


def _evened(groups: Iterator[list[Piece]], label: int) -> Iterator[list[Piece]]:
    """Shares the text of the last two subtitles, so that the last one isn't only a short
    remainder."""
    before: list[Piece] = []
    last = next(groups, [])
    for group in groups:
        if before:
            yield before
        before, last = last, group
    while len(before) > 1 and _is_better(before, last, label):
        last = [before[-1], *last]
        before = before[:-1]
    yield from filter(None, (before, last))


def _is_better(before: Sequence[Piece], last: Sequence[Piece], label: int) -> bool:
    """Whether the last piece of the last subtitle but one should begin the last one instead."""
    moved = before[-1]
    return (
        not _CLAUSE_END.search(moved.text)
        and last[0].start - moved.end < PAUSE_MILLISECONDS
        and last[-1].end - moved.start <= CUE_MILLISECONDS
        and _columns(last) + moved.width < _columns(before)
        and reduce(_placed, [moved, *last], (1, label))[0] <= LINES
    )


def _columns(group: Sequence[Piece]) -> int:
    return sum(piece.width + piece.gap for piece in group) - group[-1].gap


def _lines(group: Sequence[Piece], label: int) -> tuple[str, ...]:
    """One line if it is short, else two lines as even as the pieces allow."""
    whole = label + _columns(group)
    cuts = [] if whole <= LINE_COLUMNS else _cuts(group, label, whole)
    cut = min(cuts)[1] if cuts else 0
    lines = (group[:cut], group[cut:])
    texts = ("".join(piece.text for piece in line).strip() for line in lines)
    return tuple(filter(None, texts))  # no-break spaces alone make no line


def _cuts(group: Sequence[Piece], label: int, whole: int) -> list[tuple[int, int]]:
    """The numbers of pieces after which the second line may begin, each with how uneven the
    lines are."""
    cuts = []
    before = label
    for count, (piece, _) in enumerate(pairwise(group), start=1):
        first, before = before + piece.width, before + piece.width + piece.gap
        if first <= LINE_COLUMNS and whole - before <= LINE_COLUMNS:
            cuts.append((abs(first - (whole - before)), count))
    return cuts

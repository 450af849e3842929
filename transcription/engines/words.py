"""Words of a transcript, and interpolated times for words without any: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transcription.engines.base import Segment, Word
from transcription.languages import UNSPACED


def split(text: str, language: str | None) -> list[str]:
    """The words of a text; without spaces, each letter counts as a word."""
    if language in UNSPACED:
        return [letter for letter in text if not letter.isspace()]
    return text.split()


def spread(words: Sequence[str], start: float, end: float) -> list[Word]:
    """Gives each word its share of the time by its length; score 0, since nothing was measured."""
    total = sum(len(word) for word in words)
    length = max(0.0, end - start)
    placed, before = [], 0
    for word in words:
        begin, before = before, before + len(word)
        placed.append(
            {
                "word": word,
                "start": round(start + length * begin / total, 3),
                "end": round(start + length * before / total, 3),
                "score": 0.0,
            }
        )
    return placed


def fill(words: Sequence[Word], start: float, end: float) -> list[Word]:
    """Places words without times evenly between their neighbours, within start and end."""
    filled: list[Word] = []
    waiting: list[str] = []
    last = start
    for word in (*words, {"word": "", "start": end, "end": end}):
        if "start" not in word:
            waiting.append(word["word"])
            continue
        if waiting:
            filled += spread(waiting, last, max(last, word["start"]))
            waiting = []
        filled.append(word)
        last = word["end"]
    return filled[:-1]


def characters(text: str, words: Iterable[Word]) -> list[Word]:
    """The letters of a text, each with its share of its word's time; spaces have none."""
    shares: list[Word] = []
    for word in words:
        letters = spread(list(word["word"]), word.get("start", 0.0), word.get("end", 0.0))
        for letter in letters:
            timed = {"start": letter["start"], "end": letter["end"], "score": word.get("score")}
            shares.append(timed if "start" in word else {})
    found = iter(shares)
    return [
        {"char": letter, **({} if letter.isspace() else next(found, {}))} for letter in text.strip()
    ]


def word_segments(segments: Iterable[Segment]) -> list[Word]:
    """All words of all segments, in their order."""
    return [word for segment in segments for word in segment.get("words") or ()]

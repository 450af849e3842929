"""From segments, which may hold anything an engine says, to cues that every writer can rely on."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from transcription.formats.split import Word, readable_parts
from transcription.formats.voices import by_speaker

Segment = Mapping[str, Any]

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1f\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Options:
    """What a reader may choose.

    Attributes:
        times: Of each line, in txt.
        split: Cut long segments into readable cues, in srt and vtt.
        speakers: Say who speaks, and begin anew where another goes on.
    """

    times: bool = False
    split: bool = True
    speakers: bool = True


@dataclass(frozen=True)
class Cue:
    """One stretch of speech: whole milliseconds with start < end, lines without blank ones."""

    start: int
    end: int
    lines: tuple[str, ...]
    speaker: str

    @property
    def line(self) -> str:
        """The text in one line."""
        return " ".join(self.lines)


def cues(segments: Iterable[Segment], split: bool = False, speakers: bool = True) -> Iterator[Cue]:
    """Turn segments into cues of one speaker each; segments without text are left out.

    A missing start continues where the last cue ended, a missing end is the start; reversed times
    are exchanged, and a cue lasts at least a millisecond, because WebVTT refuses shorter ones.
    """
    previous_end = 0
    for segment in by_speaker(segments) if speakers else segments:
        words = _timed_words(segment)
        start = _first(milliseconds(segment.get("start")), words and words[0].start, previous_end)
        end = _first(milliseconds(segment.get("end")), words and words[-1].end, start)
        start, end = min(start, end), max(start, end)
        speaker = " ".join(_lines(segment.get("speaker"))) if speakers else ""
        cue = Cue(start, max(end, start + 1), _lines(segment.get("text")), speaker)
        if cue.lines:
            yield from _split(cue, words) if split else (cue,)
            previous_end = cue.end


def milliseconds(seconds: object) -> int | None:
    """Round seconds to whole milliseconds, never below 0; None for what is no finite number."""
    try:
        exact = float(seconds) * 1000  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, round(exact)) if math.isfinite(exact) else None


def timestamp(value: int, mark: str) -> str:
    """Milliseconds as HH:MM:SS, the mark and three digits; hours may pass 99."""
    seconds, thousandths = divmod(value, 1000)
    return f"{clock(seconds)}{mark}{thousandths:03}"


def clock(seconds: int) -> str:
    """Whole seconds as HH:MM:SS."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _first(*candidates: object) -> int:
    return next(value for value in candidates if isinstance(value, int))


def _lines(text: object) -> tuple[str, ...]:
    """The lines of a text without control characters, outer blanks and empty lines.

    A blank line would end the cue in srt and vtt.
    """
    lines = _LINE_BREAKS.split(_CONTROLS.sub("", "" if text is None else str(text)))
    return tuple(line for line in (_BLANKS.sub(" ", line).strip() for line in lines) if line)


def _timed_words(segment: Segment) -> list[Word]:
    """The words of a segment, never going back in time; empty if no word has a time.

    Engines leave some words without times (numbers, mostly): such a word lies at the end of the
    one before it.
    """
    words: list[Word] = []
    timed = False
    last = milliseconds(segment.get("start")) or 0
    for entry in segment.get("words") or ():
        start, end = milliseconds(entry.get("start")), milliseconds(entry.get("end"))
        timed = timed or start is not None
        start = max(last, start or 0)
        last = max(start, end or 0)
        words.append(Word(" ".join(_lines(entry.get("word"))), start, last))
    return [word for word in words if word.text] if timed else []


def _split(cue: Cue, words: Sequence[Word]) -> Iterator[Cue]:
    """Cut a cue that is too long to read into several, if its words say when."""
    parts = readable_parts(cue.line, words)
    start = cue.start
    for part, following in pairwise(parts):
        end = max(start + 1, part.end)
        yield replace(cue, start=start, end=end, lines=part.lines)
        start = max(end, following.start)
    lines = parts[-1].lines if parts else cue.lines
    yield replace(cue, start=start, end=max(start + 1, cue.end), lines=lines)

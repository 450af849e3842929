"""Turns segments, whatever an engine returned, into cues that every writer can rely on."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from transcription.formats.graphemes import shortened, width
from transcription.formats.pieces import LINE_COLUMNS
from transcription.formats.speakers import by_speaker
from transcription.formats.split import is_readable, readable_parts
from transcription.formats.words import Word

Segment = Mapping[str, Any]

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1f\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Options:
    """The reader's choices.

    Attributes:
        times: Start each line of txt with its time.
        split: In srt and vtt, wrap lines and split long segments into readable cues.
        speakers: Name speakers, and start a new cue or line when the speaker changes.
    """

    times: bool = False
    split: bool = True
    speakers: bool = True


@dataclass(frozen=True)
class Cue:
    """One stretch of speech: whole milliseconds with start < end, no empty lines."""

    start: int
    end: int
    lines: tuple[str, ...]
    speaker: str

    @property
    def line(self) -> str:
        """The text in one line."""
        return " ".join(self.lines)

    @property
    def label(self) -> str:
        """The speaker's label before the text, for formats without speaker markup.

        It counts in every format, so that all have the same cues, and fits into one line.
        """
        return f"[{shortened(self.speaker, LINE_COLUMNS - 2)}] " if self.speaker else ""

    @property
    def labelled_lines(self) -> tuple[str, ...]:
        """The lines with the label, which gets a separate line if both don't fit into one."""
        first, *others = self.lines
        if width(self.label + first) > LINE_COLUMNS >= width(first):
            return (self.label.strip(), *self.lines)
        return (self.label + first, *others)


def cues(segments: Iterable[Segment], split: bool = False, speakers: bool = True) -> Iterator[Cue]:
    """Turns segments into cues of one speaker each; segments without text are left out.

    A missing start is the end of the previous cue, a missing end is the start; reversed times
    are exchanged, and a cue lasts at least a millisecond, because WebVTT refuses shorter ones.
    """
    previous_end = 0
    for segment in by_speaker(segments) if speakers else segments:
        start, end = milliseconds(segment.get("start")), milliseconds(segment.get("end"))
        if start is None or end is None:
            words = _words(segment)
            start = _first(start, *(word.start for word in words), previous_end)
            end = _first(end, *(word.end for word in reversed(words)), start)
        start, end = min(start, end), max(start, end)
        speaker = " ".join(_lines(segment.get("speaker"))) if speakers else ""
        cue = Cue(start, max(end, start + 1), _lines(segment.get("text")), speaker)
        if cue.lines:
            yield from _readable(cue, segment) if split else (cue,)
            previous_end = cue.end


def milliseconds(seconds: object) -> int | None:
    """Rounds seconds to whole milliseconds, at least 0; None if it isn't a finite number."""
    try:
        exact = float(seconds) * 1000  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, round(exact)) if math.isfinite(exact) else None


def timestamp(value: int, mark: str) -> str:
    """Milliseconds as HH:MM:SS, the mark and three digits; hours may exceed 99."""
    seconds, thousandths = divmod(value, 1000)
    return f"{clock(seconds)}{mark}{thousandths:03}"


def clock(seconds: int) -> str:
    """Whole seconds as HH:MM:SS."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _first(*candidates: object) -> int:
    return next(value for value in candidates if isinstance(value, int))


def _lines(text: object) -> tuple[str, ...]:
    """The lines of a text without control characters, outer spaces and empty lines.

    An empty line would end the cue in srt and vtt.
    """
    said = "" if text is None else str(text)
    lines = [said] if said.isprintable() else _LINE_BREAKS.split(_CONTROLS.sub("", said))
    return tuple(line for line in (_BLANKS.sub(" ", line).strip() for line in lines) if line)


def _words(segment: Segment) -> list[Word]:
    """The words of a segment that contain a letter; a word without a start has no time."""
    words = []
    for entry in segment.get("words") or ():
        start, end = milliseconds(entry.get("start")), milliseconds(entry.get("end"))
        text = " ".join(_lines(entry.get("word")))
        if start is not None and end is not None:
            start, end = min(start, end), max(start, end)
        words.append(Word(text, start, start if end is None else end))
    return [word for word in words if word.text]


def _readable(cue: Cue, segment: Segment) -> Iterator[Cue]:
    """The cue as it is or, if it is too long to read, wrapped or split into several."""
    label = width(cue.label)
    if is_readable(cue.lines, cue.end - cue.start, label):
        yield cue
        return
    words = _words(segment)
    for part in readable_parts(cue.line, words, cue.start, cue.end, label):
        yield replace(cue, start=part.start, end=part.end, lines=part.lines)

"""The library's segments: their quality, and as plain values."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transcription.engines.base import Segment

Place = Callable[[float, float], float]
"""The second of the recording that a second of a chunk's sound is, by another near it."""


@dataclass(frozen=True)
class Found:
    """A segment of the library; its times count from `shift` seconds of the chunk's sound on."""

    segment: Any
    shift: float = 0.0

    @property
    def end(self) -> float:
        return float(self.segment.end) + self.shift


def text_of(found: Sequence[Found]) -> str:
    """What was said."""
    return "".join(one.segment.text for one in found).strip()


def likelihood(found: Sequence[Found]) -> float:
    """The average log probability of a token."""
    tokens = sum(len(one.segment.tokens) for one in found)
    total = sum(float(one.segment.avg_logprob) * len(one.segment.tokens) for one in found)
    return total / tokens if tokens else -math.inf


def compression(found: Sequence[Found]) -> float:
    """How much shorter the text gets by compression: much, if it repeats itself."""
    text = text_of(found).encode()
    return len(text) / len(zlib.compress(text))


def plain(found: Found, place: Place, seek: float | None = None) -> Segment | None:
    """A segment as plain values, with times of the recording; None if it has no text.

    Args:
        found: The segment.
        place: Where its moments are in the recording.
        seek: Where the decoded sound begins in it, in seconds, if details are wanted.
    """
    theirs = found.segment
    text = theirs.text.strip()
    if not text:
        return None

    def at(time: Any, near: Any) -> float:
        return round(place(float(time) + found.shift, float(near) + found.shift), 3)

    words = [
        {
            "word": word.word.strip(),
            "start": at(word.start, (word.start + word.end) / 2),
            "end": at(word.end, (word.start + word.end) / 2),
            "score": round(min(1.0, max(0.0, float(word.probability))), 3),
        }
        for word in theirs.words or ()
        if word.word.strip()
    ]
    start = words[0]["start"] if words else at(theirs.start, theirs.start)
    end = words[-1]["end"] if words else at(theirs.end, theirs.end)
    segment: Segment = {"start": start, "end": end, "text": text}
    if math.isfinite(theirs.avg_logprob):
        segment["avg_logprob"] = round(float(theirs.avg_logprob), 4)
    if words:
        segment["words"] = words
    return segment if seek is None else segment | _details(theirs, seek)


def _details(theirs: Any, seek: float) -> Segment:
    """Values of a segment that only some clients need, by OpenAI's names."""
    return {
        "seek": round(seek * 100),  # in frames of a hundredth of a second
        "tokens": [int(token) for token in theirs.tokens],
        "temperature": float(theirs.temperature or 0.0),
        "no_speech_prob": float(theirs.no_speech_prob),
    }

"""Splits long recordings for engines that keep their whole input in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from transcription.media.pcm import RATE, Audio

if TYPE_CHECKING:
    import numpy

CHAPTER = 600.0
"""Seconds given to a library at once: it keeps audio and spectrum of all of them in memory."""
CUT_WITHIN = 30.0
"""Seconds before a chapter's end; the quietest moment in them becomes its end."""


def chapters(audio: Audio, start: float = 0.0) -> Iterator[tuple[float, float]]:
    """Start and length in seconds of parts that are split where it is quiet.

    Args:
        audio: The recording.
        start: Where the first one begins: the same follow if an earlier one ended there.
    """
    while audio.duration - start > CHAPTER * 1.25:
        end = _quietest(audio.samples(start + CHAPTER - CUT_WITHIN, CUT_WITHIN))
        seconds = CHAPTER - CUT_WITHIN + end
        yield start, seconds
        start += seconds
    if start < audio.duration:
        yield start, audio.duration - start


def _quietest(samples: numpy.ndarray) -> float:
    """The middle, in seconds, of the quietest half second."""
    step, width = 800, 10  # 50 ms, and ten of them
    count = len(samples) // step
    power = (samples[: count * step].reshape(count, step) ** 2).mean(axis=1)
    sums = [float(power[at : at + width].sum()) for at in range(count - width + 1)]
    return (sums.index(min(sums)) + width / 2) * step / RATE

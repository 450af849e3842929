"""The chunks of a recording, one after the other, with their sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from transcription.engines.chunks.cutting import EDGE, Cut, Rules, cut
from transcription.engines.chunks.voice import WINDOW, Stream, listen
from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

Span = tuple[float, float]
"""From one second to another."""


@dataclass(frozen=True)
class AudioChunk:
    """What a model hears at once.

    Attributes:
        pieces: Seconds of the recording, from when to when.
        speech: Seconds of this sound, from when to when someone speaks.
        samples: The pieces' sound, joined: float32 between -1 and 1.
    """

    pieces: tuple[Span, ...]
    speech: tuple[Span, ...]
    samples: numpy.ndarray

    @property
    def start(self) -> float:
        return self.pieces[0][0]

    @property
    def end(self) -> float:
        return self.pieces[-1][1]

    def spoken(self, after: float = 0.0) -> float:
        """Seconds of speech in this sound, after that second of it."""
        return sum(max(0.0, end - max(start, after)) for start, end in self.speech)

    def middle(self) -> float:
        """The second of this sound in the middle of its longest pause."""
        if len(self.speech) == 1:
            return len(self.samples) / RATE / 2
        pauses = [(before[1], after[0]) for before, after in pairwise(self.speech)]
        start, end = max(pauses, key=lambda pause: pause[1] - pause[0])
        return (start + end) / 2

    def time(self, seconds: float, near: float) -> float:
        """The second of the recording of one of this sound.

        Args:
            seconds: Of this sound.
            near: A second in the same piece, where the first is at an edge of it.
        """
        passed = 0.0
        for start, end in self.pieces:
            if near < passed + end - start or end == self.end:
                break
            passed += end - start
        return min(max(self.start, start + seconds - passed), self.end)


def chunks_of(
    stream: Stream, after: float, rules: Rules, on_heard: Callable[[float], None]
) -> Iterator[AudioChunk]:
    """Cuts a recording from that second on, in constant memory.

    Args:
        stream: Its samples.
        after: The end of a chunk, or 0.
        rules: How to cut.
        on_heard: Called with the seconds before which no more chunk begins.
    """
    import numpy

    at = ceil(round(after * RATE) / WINDOW)
    samples = numpy.zeros(0, "<i2")
    speech: list[float] = []
    blocks = listen(stream, at)
    is_all = False
    while not is_all:
        heard = next(blocks, None)
        is_all = heard is None
        if heard is not None:
            samples = numpy.concatenate((samples, heard.samples))
            speech += heard.speech.tolist()
        while found := cut(speech, rules, is_all):
            yield _with_sound(found, at, samples)
            at += found.end
            samples, speech = samples[found.end * WINDOW :], speech[found.end :]
        if max(speech, default=0.0) < rules.onset:
            silent = max(0, len(speech) - EDGE)
            at += silent
            samples, speech = samples[silent * WINDOW :], speech[silent:]
        on_heard(at * WINDOW / RATE)


def _with_sound(found: Cut, at: int, samples: numpy.ndarray) -> AudioChunk:
    """The chunk with its sound.

    Args:
        found: Where it is.
        at: The window of the recording that `samples` begin with.
        samples: Signed 16-bit.
    """
    import numpy

    spans = [(start * WINDOW, min(end * WINDOW, len(samples))) for start, end in found.pieces]
    heard = numpy.concatenate([samples[start:end] for start, end in spans])
    first = at * WINDOW
    return AudioChunk(
        tuple(((first + start) / RATE, (first + end) / RATE) for start, end in spans),
        tuple(_in_sound(found)),
        heard.astype(numpy.float32) / 32768,
    )


def _in_sound(found: Cut) -> Iterator[Span]:
    """Its speech, in seconds of the joined pieces."""
    passed = 0
    for begin, stop in found.pieces:
        for start, end in found.speech:
            if begin <= start < stop:
                shift = passed - begin
                yield (start + shift) * WINDOW / RATE, (end + shift) * WINDOW / RATE
        passed += stop - begin

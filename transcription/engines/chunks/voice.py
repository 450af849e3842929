"""Hears where someone speaks, by the Silero model that comes with faster-whisper.

What is heard in a moment depends on its number in the recording and on the two seconds before its
block, never on where one begins to listen: a run that goes on after a crash hears the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

WINDOW = 512
"""Samples that the model judges at a time."""
WINDOWS_PER_SECOND = RATE / WINDOW
BLOCK = 1875
"""Windows of a block, which is judged without knowledge of the one before: a minute."""
WARM_UP = 64
"""Windows before a block from which the model learns the sound of the recording."""
CONTEXT = 64
"""Samples before a window that the model hears, too."""

Stream = Callable[[float], Iterator[bytes]]
"""Samples from that second on, 16 kHz mono signed 16-bit, in pieces of any length."""


@dataclass(frozen=True)
class Heard:
    """A stretch of sound.

    Attributes:
        first: The number of its first window, from the recording's beginning.
        samples: Signed 16-bit; the last window of the recording may lack some.
        speech: For each window the probability that someone speaks.
    """

    first: int
    samples: numpy.ndarray
    speech: numpy.ndarray


def listen(stream: Stream, first: int = 0) -> Iterator[Heard]:
    """Judges a recording from that window on, block by block, in constant memory."""
    import numpy

    at = first - first % BLOCK
    warm_up = min(WARM_UP + 1, at)  # and one for the context
    silence = numpy.zeros(warm_up * WINDOW, "<i2")
    pieces = _pieces(stream((at - warm_up) * WINDOW / RATE), warm_up, BLOCK)
    before = next(pieces, silence) if warm_up else silence
    for samples in pieces:
        speech = _speech(before, samples)
        skipped = max(0, first - at)
        yield Heard(at + skipped, samples[skipped * WINDOW :], speech[skipped:])
        before = samples[-(WARM_UP + 1) * WINDOW :]
        at += BLOCK


def _pieces(stream: Iterator[bytes], first: int, others: int) -> Iterator[numpy.ndarray]:
    """The samples in pieces of so many windows."""
    import numpy

    wanted = (first or others) * WINDOW * 2
    held = bytearray()
    for data in stream:
        held += data
        while len(held) >= wanted:
            yield numpy.frombuffer(bytes(held[:wanted]), "<i2")
            del held[:wanted]
            wanted = others * WINDOW * 2
    if held:
        yield numpy.frombuffer(bytes(held), "<i2")


def _speech(before: numpy.ndarray, samples: numpy.ndarray) -> numpy.ndarray:
    """The probability of speech in each window; digital silence needs no model for that."""
    import numpy

    if not samples.any():
        return numpy.zeros(-(-len(samples) // WINDOW), numpy.float32)
    from faster_whisper.vad import get_vad_model

    warm_up = max(0, len(before) // WINDOW - 1)
    rest = numpy.zeros(-len(samples) % WINDOW, "<i2")
    joined = numpy.concatenate((before, samples, rest)).astype(numpy.float32) / 32768
    context = joined[: WINDOW if len(before) else 0][-CONTEXT:]
    rows = joined[len(before) and WINDOW :].reshape(-1, WINDOW)
    contexts = numpy.zeros((len(rows), CONTEXT), numpy.float32)
    contexts[0, : len(context)] = context
    contexts[1:] = rows[:-1, -CONTEXT:]
    state = numpy.zeros((1, 1, 128), numpy.float32)
    inputs = {"input": numpy.concatenate((contexts, rows), axis=1), "h": state, "c": state}
    judged: numpy.ndarray = get_vad_model().session.run(None, inputs)[0]
    return judged.reshape(-1)[warm_up:]

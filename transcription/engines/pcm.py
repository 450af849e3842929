"""Sound as the engines take it: 16 kHz, mono, signed 16-bit, in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcription.engines.base import MediaError

if TYPE_CHECKING:
    import av
    import numpy
    from av.audio.frame import AudioFrame

RATE = 16_000
BYTES_PER_SECOND = RATE * 2
SMALLEST_GAP, LARGEST_GAP = 0.25, 3600.0
"""Seconds: what is taken for a pause of the sound and filled with silence."""


@dataclass(frozen=True)
class Audio:
    """16 kHz mono signed 16-bit samples in a file."""

    path: Path
    duration: float  # seconds really decoded
    warnings: tuple[str, ...] = ()

    def samples(self, start: float = 0.0, seconds: float | None = None) -> numpy.ndarray:
        """The samples from `start` on as float32 within -1..1."""
        import numpy

        first = round(start * RATE)
        count = -1 if seconds is None else round(seconds * RATE)
        integers = numpy.fromfile(self.path, dtype="<i2", count=count, offset=first * 2)
        floats: numpy.ndarray = integers.astype(numpy.float32)
        floats /= 32768.0
        return floats

    def blocks(self, seconds: float) -> Iterator[bytes]:
        """The raw samples in pieces of that length; the last one may be shorter."""
        size = max(1, round(seconds * RATE)) * 2
        with self.path.open("rb") as file:
            while block := file.read(size):
                yield block


class Writer:
    """Turns frames of any kind into 16 kHz mono samples, and keeps them at their time.

    Args:
        write: takes the samples.
        starts_at: the time stamp, in seconds, of the beginning of the file; None where stamps
            are not to be trusted.
        ends_at: seconds from there to the end, as far as known: no silence is added after that.
    """

    def __init__(
        self,
        write: Callable[[bytes], Any],
        starts_at: float | None = None,
        ends_at: float | None = None,
    ) -> None:
        self._write = write
        self._starts_at = starts_at
        self._ends_at = ends_at
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple[Any, ...] = ()
        self._bytes = 0
        self.broken = 0

    @property
    def seconds(self) -> float:
        """Of audio written so far."""
        return self._bytes / BYTES_PER_SECOND

    def add(self, frame: AudioFrame | av.FFmpegError) -> None:
        """Write a frame, or count one that could not be decoded.

        Raises:
            MediaError: Sound of its kind cannot be converted.
        """
        import av

        if isinstance(frame, av.FFmpegError):
            self.broken += 1
            return
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:  # streams may change rate or channels on their way
            self.finish()
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            self._kind = kind
        self._fill_gap(frame)
        frame.pts = None  # the resampler would stumble over stamps that jump
        try:
            self._resample(frame)
        except av.error.ArgumentError as error:
            what = f"{len(frame.layout.channels)} channels at {frame.sample_rate} Hz"
            message = f"The sound is of a kind that cannot be converted: {what}."
            raise MediaError("no_decoder", message) from error

    def finish(self) -> None:
        """Write what the resampler still holds."""
        if self._resampler:
            self._resample(None)
            self._resampler = None

    def _resample(self, frame: AudioFrame | None) -> None:
        assert self._resampler
        for made in self._resampler.resample(frame):
            self._put(bytes(made.planes[0])[: made.samples * 2])

    def _fill_gap(self, frame: AudioFrame) -> None:
        """Put silence where the sound starts late or pauses, so that times fit the player's."""
        if self._starts_at is None or frame.time is None:
            return
        due = frame.time - self._starts_at
        gap = due - self.seconds
        if SMALLEST_GAP < gap < LARGEST_GAP and due <= (self._ends_at or due):
            silence = bytes(BYTES_PER_SECOND)
            samples = round(gap * RATE)
            for _ in range(samples // RATE):
                self._put(silence)
            self._put(bytes(samples % RATE * 2))

    def _put(self, data: bytes) -> None:
        self._write(data)
        self._bytes += len(data)

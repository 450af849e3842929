"""Audio as engines read it: a file of 16 kHz mono signed 16-bit samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

RATE = 16_000
BYTES_PER_SECOND = RATE * 2


@dataclass(frozen=True)
class Audio:
    """16 kHz mono signed 16-bit samples in a file."""

    path: Path
    duration: float  # seconds really decoded
    warnings: tuple[str, ...] = ()
    note: str = ""  # remarks for users on how it was read
    is_silent: bool = False  # whether all samples are zero

    @property
    def expected_duration(self) -> float | None:
        """Seconds, as far as they are known before everything is read."""
        return self.duration

    def stream(self, after: float = 0.0) -> Iterator[bytes]:
        """The raw samples from this second on, in blocks of any length."""
        with self.path.open("rb") as file:
            file.seek(round(after * RATE) * 2)
            while block := file.read(BYTES_PER_SECOND):
                yield block

    def samples(self, start: float = 0.0, seconds: float | None = None) -> numpy.ndarray:
        """The samples from `start` on as float32 between -1 and 1."""
        import numpy

        first = round(start * RATE)
        count = -1 if seconds is None else round(seconds * RATE)
        integers = numpy.fromfile(self.path, dtype="<i2", count=count, offset=first * 2)
        floats: numpy.ndarray = integers.astype(numpy.float32)
        floats /= 32768.0
        return floats

    def pcm(self, start: float, end: float) -> bytes:
        """The raw samples between two moments, in seconds."""
        with self.path.open("rb") as file:
            file.seek(round(start * RATE) * 2)
            return file.read(round((end - start) * RATE) * 2)

    def blocks(self, seconds: float) -> Iterator[bytes]:
        """The raw samples in pieces of that length; the last one may be shorter."""
        size = max(1, round(seconds * RATE)) * 2
        with self.path.open("rb") as file:
            while block := file.read(size):
                yield block

"""Audio as engines read it: 16 kHz mono signed 16-bit samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

RATE = 16_000
BYTES_PER_SECOND = RATE * 2


@dataclass(frozen=True)
class Decoded:
    """What is known once a recording was read to its end.

    Attributes:
        duration: Seconds really decoded.
        warnings: What is wrong with the file.
        note: Remarks for users on how it was read.
        is_silent: Whether all samples are zero.
    """

    duration: float
    warnings: Sequence[str] = ()
    note: str = ""
    is_silent: bool = False


class Audio:
    """16 kHz mono signed 16-bit samples, here in a file.

    Args:
        path: The file.
        decoded: What is known of the recording; or its seconds.
    """

    def __init__(self, path: Path, decoded: Decoded | float) -> None:
        self._path = path
        self._decoded = decoded if isinstance(decoded, Decoded) else Decoded(decoded)

    @property
    def path(self) -> Path:
        """The file; samples at any place are read from there."""
        return self._path

    @property
    def decoded(self) -> Decoded:
        return self._decoded

    @property
    def is_read(self) -> bool:
        """Whether it was read to its end, so that `decoded` is there."""
        return True

    @property
    def duration(self) -> float:
        """Seconds really decoded."""
        return self.decoded.duration

    @property
    def warnings(self) -> Sequence[str]:
        return self.decoded.warnings

    @property
    def note(self) -> str:
        return self.decoded.note

    @property
    def is_silent(self) -> bool:
        return self.decoded.is_silent

    @property
    def expected_duration(self) -> float | None:
        """Seconds, as far as they are known before everything is read."""
        return self.duration

    def ensure_file(self) -> None:
        """Decodes the recording to the file, if that was not done yet."""

    def stream(self, after: float = 0.0) -> Iterator[bytes]:
        """The raw samples from this second on, in blocks of any length."""
        with self.path.open("rb") as file:
            file.seek(round(after * RATE) * 2)
            while block := file.read(BYTES_PER_SECOND):
                yield block

    def blocks(self, seconds: float) -> Iterator[bytes]:
        """The stream in pieces of that length; the last one may be shorter."""
        size = max(1, round(seconds * RATE)) * 2
        rest = bytearray()
        for block in self.stream():
            rest += block
            while len(rest) >= size:
                yield bytes(rest[:size])
                del rest[:size]
        if rest:
            yield bytes(rest)

    def samples(self, start: float = 0.0, seconds: float | None = None) -> numpy.ndarray:
        """The samples from `start` on as float32 between -1 and 1."""
        import numpy

        first = round(start * RATE)
        count = -1 if seconds is None else round(seconds * RATE)
        integers = numpy.fromfile(self.path, dtype="<i2", count=count, offset=first * 2)
        floats: numpy.ndarray = integers.astype(numpy.float32)
        floats /= 32768.0
        return floats

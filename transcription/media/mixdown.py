"""Mixes two channels into one, and measures loudness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

_CANCELLED, _RESTORED = 0.03, 0.12
"""Power of the mix, as a share of the louder channel's. Below the first value the channels
cancel each other out, above the second they no longer do. Unrelated channels give a half.
"""
_AUDIBLE = 60.0
"""Loudness (root mean square, of 32768) below which channels can't be compared."""


class Mixer:
    """Mixes left and right; if one is the inverse of the other, it takes only one of them.

    A wrongly wired cable or plug makes such recordings: their mix would be silence.
    """

    def __init__(self) -> None:
        self._channel: int | None = None  # the channel that is used instead of the mix
        self.has_cancelled = False

    def mix(self, pairs: numpy.ndarray) -> numpy.ndarray:
        """One channel of signed 16-bit samples from an array of (left, right)."""
        import numpy

        left, right = pairs.T.astype(numpy.int32)
        mixed: numpy.ndarray = ((left + right) >> 1).astype(numpy.int16)
        powers = [_power(left), _power(right)]
        loudest = max(powers)
        if loudest > _AUDIBLE**2 * len(pairs):
            share = _power(mixed) / loudest
            if share < _CANCELLED and self._channel is None:
                self._channel = powers.index(loudest)
                self.has_cancelled = True
            elif share > _RESTORED:
                self._channel = None
        return mixed if self._channel is None else pairs[:, self._channel]


def _power(samples: numpy.ndarray) -> float:
    import numpy

    floats = samples.astype(numpy.float32)
    return float(numpy.dot(floats, floats))


class Levels:
    """Measures the loudness of passing audio."""

    WINDOW = RATE // 10  # samples that are measured together
    LOUD = 180.0  # root mean square, of 32768: -45 dB, softer than quiet speech
    SILENT = 33  # the largest sample of silence: -60 dB

    def __init__(self) -> None:
        self.peak = 0
        self.loud_seconds = 0.0

    @property
    def is_silent(self) -> bool:
        """Whether nothing can be heard."""
        return self.peak < self.SILENT

    @property
    def is_sounding(self) -> bool:
        """Whether at least a word's length of sound was heard."""
        return self.loud_seconds >= 0.5

    def add(self, samples: numpy.ndarray) -> None:
        """Adds mono samples."""
        import numpy

        if not len(samples):
            return
        self.peak = max(self.peak, int(samples.max()), -int(samples.min()))
        whole = len(samples) // self.WINDOW * self.WINDOW
        windows = samples[:whole].astype(numpy.float32).reshape(-1, self.WINDOW)
        power = (windows * windows).mean(axis=1)
        self.loud_seconds += 0.1 * int((power > self.LOUD**2).sum())

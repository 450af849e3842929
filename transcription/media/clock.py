"""Aligns decoded audio with the file's time stamps, which players follow."""

from __future__ import annotations

from transcription.media.pcm import RATE

SMALLEST_GAP, LARGEST_GAP = 0.25, 3600.0
"""Seconds: a longer gap in the stamps counts as a pause, and is filled with silence."""
_TOLERATED = 0.08
"""Seconds by which audio may be late: encoders and containers round."""
_JUMP = 0.5
"""Seconds: if stamps jump back this far, another recording begins, or the stamps were reset."""
_LOST = 2.0
"""Seconds of delay that can't be corrected: such stamps are not usable."""
_FASTEST = 4
"""At most one sample in this many is removed."""


class Clock:
    """Says how much silence belongs before a frame, and how many samples are too many.

    Args:
        starts_at: The time stamp, in seconds, of the beginning of the file.
        ends_at: Seconds from there to the end, if known: no silence is added after that.
    """

    def __init__(self, starts_at: float, ends_at: float | None = None) -> None:
        self._starts_at = starts_at
        self._ends_at = ends_at
        self._late = 0.0  # seconds by which the audio is longer than its stamps
        self._rules = True

    def pause_before(self, stamp: float | None, seconds: float) -> float:
        """Seconds of silence that belong before a frame.

        Args:
            stamp: The frame's, in seconds; None if it has none.
            seconds: Seconds of audio so far.
        """
        if stamp is None:
            return 0.0
        due = stamp - self._starts_at
        late = seconds - due
        if late - self._late > _JUMP:
            self._starts_at -= late - self._late
            return 0.0
        self._late = late
        if late > _LOST:
            self._rules = False
        if SMALLEST_GAP < -late < LARGEST_GAP and due <= (self._ends_at or due):
            self._late = 0.0
            return -late
        return 0.0

    def excess(self, samples: int) -> int:
        """How many of these samples to remove, so that the audio matches its stamps again."""
        late = self._late - _TOLERATED
        if not self._rules or late <= 0:
            return 0
        count = min(int(late * RATE), samples // _FASTEST)
        self._late -= count / RATE
        return count

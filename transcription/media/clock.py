"""Aligns decoded audio with the file's time stamps, which players follow."""

from __future__ import annotations

from transcription.media.pcm import RATE

SMALLEST_GAP, LARGEST_GAP = 0.25, 3600.0
"""Seconds: what is taken for a pause of the sound and filled with silence."""
_TOLERATED = 0.08
"""Seconds that sound may be late: encoders and containers round."""
_JUMP = 0.5
"""Seconds by which stamps go back at once: there another recording begins, or they were reset."""
_LOST = 2.0
"""Seconds of lateness that cannot be made good: such stamps are no clock."""
_FASTEST = 4
"""No more than one sample of so many is left out."""


class Clock:
    """Says how much silence comes before a frame, and how much sound is too much.

    Args:
        starts_at: The time stamp, in seconds, of the beginning of the file.
        ends_at: Seconds from there to the end, as far as known: no silence is added after that.
    """

    def __init__(self, starts_at: float, ends_at: float | None = None) -> None:
        self._starts_at = starts_at
        self._ends_at = ends_at
        self._late = 0.0  # seconds by which the sound is longer than its stamps
        self._rules = True

    def pause_before(self, stamp: float | None, seconds: float) -> float:
        """Seconds of silence that belong before a frame.

        Args:
            stamp: Of the frame, in seconds; None where it has none.
            seconds: Of sound so far.
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
        """How many of so many samples are to go, for the sound to be in time again."""
        late = self._late - _TOLERATED
        if not self._rules or late <= 0:
            return 0
        count = min(int(late * RATE), samples // _FASTEST)
        self._late -= count / RATE
        return count

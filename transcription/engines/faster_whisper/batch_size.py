"""How many chunks are decoded at once."""

from __future__ import annotations

LONGEST = 15.0
"""Seconds that a batch may take: what is lost if the engine dies, or waits for a pause."""


class BatchSize:
    """Grows from one, so that the first text is there early.

    Args:
        most: What the client wants.
    """

    def __init__(self, most: int) -> None:
        self.now = 1
        self._most = most

    def took(self, chunks: int, seconds: float) -> None:
        """Learns how long a batch took."""
        affordable = int(LONGEST * chunks / max(seconds, 0.001))
        self.now = max(1, min(2 * self.now, self._most, affordable))

    def halve(self) -> bool:
        """After a batch that didn't fit into memory; False if it was a single chunk."""
        if self.now == 1:
            return False
        self._most = self.now = self.now // 2
        return True

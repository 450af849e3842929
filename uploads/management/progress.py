"""How far a long command is, for people at a terminal."""

import time
from typing import IO

BRIEF = 1.0  # seconds for which nobody needs to be told
EVERY = 0.2


class Progress:
    """One line that is written over and over, and removed when the block ends.

    Args:
        stream: Where to write; nothing is written unless it is a terminal.
        what: What is counted.
        total: How many there are.
    """

    def __init__(self, stream: IO[str], what: str, total: int) -> None:
        self.stream = stream
        self.what = what
        self.total = total
        self.count = 0
        self.width = 0
        self.next = time.monotonic() + BRIEF if stream.isatty() else float("inf")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *problem: object) -> None:
        if self.width:
            self.write("")

    def step(self) -> None:
        """Call it after each of them."""
        self.count += 1
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + EVERY
            self.write(f"{self.count} of {self.total} {self.what}")

    def write(self, line: str) -> None:
        self.stream.write(f"\r{line:<{self.width}}\r{line}")
        self.stream.flush()
        self.width = len(line)

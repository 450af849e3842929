"""Compares one upload's row with the bytes that the store holds."""

from dataclasses import dataclass

from uploads.models import State, Upload
from uploads.stores.base import Missing
from uploads.stores.registry import store


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        expected: See `expected_bytes`.
        held: The bytes in the store; None: it has no file.
    """

    expected: int | None
    held: int | None

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing: neither an acknowledged byte nor an empty upload's file."""
        if self.expected is None:
            return True
        return self.held is not None and self.held >= self.expected

    def __str__(self) -> str:
        there = "no file is there" if self.held is None else f"{self.held} bytes are there"
        return there if self.expected is None else f"{there}, {self.expected} must be"


def verify(upload: Upload) -> Verification:
    """Looks into the store; changes nothing.

    Raises:
        OSError: The store can't be read.
    """
    try:
        held: int | None = store().held(upload.id.hex)
    except Missing:
        held = None
    return Verification(expected_bytes(upload.state, upload.length, upload.offset), held)


def expected_bytes(state: str, length: int | None, offset: int) -> int | None:
    """The bytes that the store must hold.

    Returns:
        Of a finished upload all, else those that were acknowledged; None: it has ended.
    """
    if state == State.FINISHED:
        return length or 0
    return offset if state == State.RECEIVING else None

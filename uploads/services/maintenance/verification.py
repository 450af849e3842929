"""Compares one upload's row with the bytes that the store holds."""

from dataclasses import dataclass

from uploads.models import State, Upload
from uploads.stores.base import Missing
from uploads.stores.registry import store


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        expected: The bytes that must be there: of a finished upload all, else those that were
            acknowledged; of an ended one none.
        held: The bytes in the store; None: it has no file.
    """

    expected: int
    held: int | None

    @property
    def is_good(self) -> bool:
        """Whether no acknowledged byte is missing."""
        return (self.held or 0) >= self.expected

    def __str__(self) -> str:
        there = "no file is there" if self.held is None else f"{self.held} bytes are there"
        return f"{there}, {self.expected} must be" if self.expected else there


def verify(upload: Upload) -> Verification:
    """Looks into the store; changes nothing.

    Raises:
        OSError: The store can't be read.
    """
    expected = {State.FINISHED: upload.length or 0, State.RECEIVING: upload.offset}
    try:
        held: int | None = store().held(upload.id.hex)
    except Missing:
        held = None
    return Verification(expected.get(State(upload.state), 0), held)

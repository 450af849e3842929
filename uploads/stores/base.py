"""What a store of bytes must do. It knows no model and no HTTP.

Writing is fenced, not locked: whoever takes the right to write ends the right of whoever had it,
at once, and nobody waits. What `held` tells never shrinks while nobody holds the right.
"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from uploads.stores.pipe import Piece

# No space, no quota, or no larger file: of this file system, or of this process.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreError(Exception):
    """Base of what a store raises of its own; OSError passes through."""


class Missing(StoreError):
    """The store holds nothing under this name."""


class StoreUnavailable(OSError):
    """The whole store is out of reach: its disk is not mounted, its directory was moved."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The store at {place} is away: is its disk mounted?")


class WriterSuperseded(StoreError):
    """Somebody else has taken the right to write."""


class Removed(WriterSuperseded):
    """The file was removed meanwhile: another request would not fare better."""


class OffsetMismatch(StoreError):
    """Writing was asked for at another offset than the bytes held.

    Attributes:
        held: The bytes held.
    """

    def __init__(self, held: int) -> None:
        super().__init__(f"{held} bytes are held")
        self.held = held


@dataclass(frozen=True)
class Entry:
    """What the store holds under one name.

    Attributes:
        name: The name.
        size: Bytes, also such as do not count yet.
        changed: When it last changed, in epoch seconds.
        is_rest: There is no file, only what the store kept beside it while it was written.
    """

    name: str
    size: int
    changed: float
    is_rest: bool = False


class Writer(Protocol):
    """The right to append to one file, until somebody else takes it."""

    offset: int

    def write(self, data: Piece) -> None:
        """Append all of `data`.

        Raises:
            WriterSuperseded: The right is lost; nothing of `data` was written.
            Removed: So is the file.
            OSError: The disk refused; `offset` tells how much is held.
        """

    def copy(self, source: BinaryIO, count: int) -> int:
        """Append some of the next `count` bytes of another open file of the store.

        Returns:
            How many: fewer than `count` where that is kinder to others, none where it has ended.
        """

    def accept(self) -> None:
        """What was written tentatively counts from now on; raises Superseded."""

    def withdraw(self, offset: int) -> None:
        """Take back what this right has written beyond `offset`, if it still rules."""

    def secure(self) -> None:
        """Make what counts now as durable as the store shall be: it may be acknowledged then."""

    def end(self) -> bool:
        """Give the right back; the bytes stay.

        Returns:
            Whether it still ruled.
        """


class Store(Protocol):
    """Where bytes lie. One instance serves a process; methods may be called from any thread.

    Attributes:
        extensions: The extensions of tus that this store can serve; OPTIONS follows from it.
        durable: Whether what it holds must survive a power cut; else the death of any process.
    """

    extensions: frozenset[str]
    durable: bool

    def identity(self) -> str | None:
        """What `identify` has kept; None where nothing was, or where the store is not there."""

    def identify(self, identity: str) -> None:
        """Keep an identity, durably, in place of the one there was.

        It makes the place where there is none. Elsewhere in here a place without an identity is
        `StoreUnavailable`, and is never made anew.
        """

    def check_writable(self) -> None:
        """Raise OSError where the store takes nothing new, though it is there."""

    def create(self, name: str) -> None:
        """Make an empty file; raises FileExistsError where the name is taken."""

    def acquire_writer(self, name: str, offset: int, tentative: bool = False) -> Writer:
        """Take the right to append at `offset`, from whoever has it.

        Args:
            name: The file.
            offset: The bytes held, as the caller believes.
            tentative: What is written does not count until `accept`, and is gone without it:
                also after a crash.

        Raises:
            OffsetMismatch: Other than `offset` bytes are held; nobody loses a right.
            Missing: There is no such file.
        """

    def fence_and_get_offset(self, name: str) -> int:
        """End anybody's right to write and tell the bytes held. Only reads if nobody writes.

        What it tells may be acknowledged: it is durable.
        """

    def secure(self, name: str) -> None:
        """Make the bytes held as durable as the store shall be."""

    def held(self, name: str) -> int:
        """The bytes held now; raises Missing."""

    def open(self, name: str) -> BinaryIO:
        """The bytes, for reading; raises Missing."""

    def path(self, name: str) -> str:
        """A local path to read the bytes from; raises Missing."""

    def remove(self, name: str) -> int:
        """End anybody's right to write and remove the bytes.

        Returns:
            The bytes freed; 0 where there was nothing.
        """

    def entries(self, start: str = "") -> Iterator[Entry]:
        """Everything held whose name begins so; each name once, in no certain order."""

    def free(self) -> int:
        """Bytes of free space."""

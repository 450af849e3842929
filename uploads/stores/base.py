"""The interface of a store of bytes. It knows nothing of models and HTTP.

Writing is fenced, not locked: a new writer supersedes the previous one at once, without waiting.
`held` never shrinks while there is no writer.
"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from uploads.stores.pipe import Piece

# Out of space, over quota, or beyond the file size limit of the file system or the process.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreError(Exception):
    """Base class of a store's own errors; OSError passes through."""


class Missing(StoreError):
    """The store has nothing under this name."""


class StoreUnavailable(OSError):
    """The whole store is unavailable: its disk is not mounted, or its directory was moved."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The store at {place} is unavailable: is its disk mounted?")


class WriterSuperseded(StoreError):
    """Another writer has taken over."""


class Removed(WriterSuperseded):
    """The file was removed meanwhile; another writer would not fare better."""


class OffsetMismatch(StoreError):
    """The file has another size than the offset at which writing was to start.

    Attributes:
        held: The bytes held.
    """

    def __init__(self, held: int) -> None:
        super().__init__(f"{held} bytes are held")
        self.held = held


@dataclass(frozen=True)
class Entry:
    """What the store has under one name.

    Attributes:
        name: The name.
        size: In bytes, including tentative ones.
        changed: The time of the last change, in epoch seconds.
        is_rest: The file is gone; only the store's own data about it is left.
    """

    name: str
    size: int
    changed: float
    is_rest: bool = False


class Writer(Protocol):
    """The right to append to one file, until another writer takes it."""

    offset: int

    def write(self, data: Piece) -> None:
        """Appends all of `data`.

        Raises:
            WriterSuperseded: The right is lost; nothing of `data` was written.
            Removed: The file was removed.
            OSError: The disk failed; `offset` says how much is held.
        """

    def copy(self, source: BinaryIO, count: int) -> int:
        """Appends up to the next `count` bytes of another open file of this store.

        Returns:
            The bytes copied. May copy less, to yield to other requests; 0 at the end.
        """

    def accept(self) -> None:
        """Makes tentative bytes count; raises WriterSuperseded."""

    def withdraw(self, offset: int) -> None:
        """Removes the bytes written beyond `offset`, if this writer is still current."""

    def secure(self) -> None:
        """Makes the counted bytes durable, so that they may be acknowledged."""

    def end(self) -> bool:
        """Gives up the right to write; the bytes stay.

        Returns:
            Whether this writer was still current.
        """


class Store(Protocol):
    """A place for bytes. One instance per process; methods may be called from any thread.

    Attributes:
        extensions: The tus extensions that this store supports; OPTIONS is derived from them.
        durable: Whether bytes must survive a power cut; if not, only a crash of any process.
    """

    extensions: frozenset[str]
    durable: bool

    def identity(self) -> str | None:
        """The identity written by `identify`; None if there is none, or no store."""

    def identify(self, identity: str) -> None:
        """Writes the store's identity durably, replacing an earlier one.

        Creates the store if needed. For every other method, a place without an identity is
        `StoreUnavailable` and is never created.
        """

    def check_writable(self) -> None:
        """Raises OSError if the store exists but can't be written."""

    def create(self, name: str) -> None:
        """Creates an empty file; raises FileExistsError if the name is taken."""

    def acquire_writer(self, name: str, offset: int, tentative: bool = False) -> Writer:
        """Takes the right to append at `offset` from any other writer.

        Args:
            name: The file.
            offset: The bytes that the caller expects to be held.
            tentative: Written bytes don't count until `accept`, and are discarded without it,
                even after a crash.

        Raises:
            OffsetMismatch: The file has another size; no writer is superseded.
            Missing: There is no such file.
        """

    def fence_and_get_offset(self, name: str) -> int:
        """Supersedes any writer and returns the bytes held. Only reads if there is no writer.

        The result may be acknowledged: it is durable.
        """

    def secure(self, name: str) -> None:
        """Makes the bytes held durable."""

    def held(self, name: str) -> int:
        """The bytes held now; raises Missing."""

    def open(self, name: str) -> BinaryIO:
        """The bytes, for reading; raises Missing."""

    def path(self, name: str) -> str:
        """A local path for reading the bytes; raises Missing."""

    def remove(self, name: str) -> int:
        """Supersedes any writer and removes the bytes.

        Returns:
            The bytes freed; 0 if there was nothing.
        """

    def entries(self, start: str = "") -> Iterator[Entry]:
        """Everything whose name starts with the prefix; each name once, in any order."""

    def free(self) -> int:
        """Free space in bytes."""

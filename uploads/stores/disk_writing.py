"""Appending to a file on disk, as long as its fence allows."""

import os
from typing import BinaryIO

from uploads.cooperative import let_others_in
from uploads.stores.base import Removed, WriterSuperseded
from uploads.stores.copying import copy_in_kernel
from uploads.stores.fence import (
    NOTHING_TENTATIVE,
    REMOVED,
    Fence,
    clear,
    read_fence,
    write_fence,
)
from uploads.stores.locking import locked
from uploads.stores.pipe import Piece, Pipe
from uploads.stores.syncing import sync_file

SHRINK_BYTES = 64 * 1024 * 1024  # bytes freed in one step
COPY_BYTES = 4 * 1024 * 1024  # bytes copied in one step, while the lock is held


class DiskWriter:
    """The right to append to one file; implements `uploads.stores.base.Writer`.

    Args:
        file: Its path.
        data: The file, opened for appending.
        fence: Its open fence file.
        mine: The fence's content as long as this writer is current.
        offset: The file's end, in bytes.
        durable: Whether bytes must survive a power cut.
    """

    def __init__(
        self, file: str, data: int, fence: int, mine: Fence, offset: int, durable: bool
    ) -> None:
        self.file = file
        self.data = data
        self.fence = fence
        self.mine = mine
        self.offset = offset
        self.durable = durable
        self.poured_into: int | None = None

    def _check(self) -> None:
        token = read_fence(self.fence).token
        if token != self.mine.token or os.fstat(self.data).st_size != self.offset:
            raise Removed if token == REMOVED else WriterSuperseded

    def write(self, data: Piece) -> None:
        with locked(self.fence):
            self._check()
            if isinstance(data, Pipe):
                self._pour(data)
            else:
                self._append(data)

    def _pour(self, pipe: Pipe) -> None:
        if self.poured_into is None:
            # A new descriptor: the kernel refuses to splice into one opened for appending.
            # It is the same file: nothing removes it while this writer is current.
            self.poured_into = os.open(self.file, os.O_WRONLY)
        while len(pipe):
            self.offset += pipe.pour(self.poured_into, self.offset)

    def _append(self, data: memoryview | bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = os.write(self.data, rest)
            self.offset += written
            rest = rest[written:]

    def copy(self, source: BinaryIO, count: int) -> int:
        """Copies within the kernel where supported."""
        before = self.offset
        with locked(self.fence):
            self._check()
            copied = copy_in_kernel(source, self.file, self.offset, min(count, COPY_BYTES))
            if copied is None:
                self._append(source.read(min(count, COPY_BYTES)))
            else:
                self.offset += copied
        return self.offset - before

    def withdraw(self, offset: int) -> None:
        if self._shrink(offset):
            self.offset = offset

    def _shrink(self, size: int) -> bool:
        """Truncates the file, if this writer is still current; returns whether it is.

        Freeing gigabytes takes a while, so it is done in steps.
        """
        while True:
            with locked(self.fence):
                if read_fence(self.fence).token != self.mine.token:
                    return False
                rest = os.fstat(self.data).st_size - size
                if rest > 0:
                    os.ftruncate(self.data, size + max(0, rest - SHRINK_BYTES))
            if rest <= SHRINK_BYTES:
                return True
            let_others_in()

    def accept(self) -> None:
        if self.durable:  # otherwise the disk might have the fence's new content without the bytes
            sync_file(self.data)
        with locked(self.fence):
            self._check()
            self.mine = Fence(self.mine.token, NOTHING_TENTATIVE)
            write_fence(self.fence, self.mine)

    def secure(self) -> None:
        if self.durable:
            sync_file(self.data)
            # An older fence on the disk might still call some of the bytes tentative.
            sync_file(self.fence)

    def end(self) -> bool:
        """Tentative bytes are removed."""
        try:
            if self.mine.base != NOTHING_TENTATIVE:
                self._shrink(self.mine.base)
            with locked(self.fence):
                rules = read_fence(self.fence).token == self.mine.token
                if rules:
                    clear(self.data, self.fence, self.mine)
            return rules
        finally:
            for descriptor in (self.data, self.fence, self.poured_into):
                if descriptor is not None:
                    os.close(descriptor)

"""Bytes on a local disk: one file an upload, and beside it, while it is written, its fence.

The fence file holds the token of whoever may write. Every buffer is appended under a lock held for
microseconds, after looking that the token still rules and that the file ends where expected. So a
newer request takes over at once, from any process of this machine, and the older one's later bytes
never land. A writer that was killed leaves only a token, which the next one overwrites.
"""

import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import psutil

from uploads.stores.base import Misplaced, Missing, Superseded
from uploads.stores.locking import locked
from uploads.stores.waiting import outside

# Windows translates line ends without it.
BINARY = getattr(os, "O_BINARY", 0)
FENCE_SUFFIX = ".fence"
COPY_BYTES = 4 * 1024 * 1024  # copied in one step, while the lock is held

NOBODY = bytes(16)
REMOVED = b"\xff" * 16
NOTHING_TENTATIVE = -1


class Fence(NamedTuple):
    """What the fence file says.

    Attributes:
        token: Who may write; NOBODY, or REMOVED for good.
        base: Bytes that count while what lies behind them is tentative; else NOTHING_TENTATIVE.
    """

    token: bytes
    base: int


RECORD = struct.Struct("<16sq")
OPEN = Fence(NOBODY, NOTHING_TENTATIVE)
CLOSED = Fence(REMOVED, NOTHING_TENTATIVE)


def _read_fence(descriptor: int) -> Fence:
    os.lseek(descriptor, 0, os.SEEK_SET)
    record = os.read(descriptor, RECORD.size)
    return Fence(*RECORD.unpack(record)) if len(record) == RECORD.size else OPEN


def _write_fence(descriptor: int, fence: Fence) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, RECORD.pack(*fence))


class DiskWriting:
    """The right to append to one file; see `uploads.stores.base.Writing`."""

    def __init__(self, file: str, data: int, fence: int, mine: Fence, offset: int) -> None:
        self.file = file
        self.data = data
        self.fence = fence
        self.mine = mine
        self.offset = offset

    def _check(self) -> None:
        rules = _read_fence(self.fence).token == self.mine.token
        if not rules or os.fstat(self.data).st_size != self.offset:
            raise Superseded

    def write(self, data: memoryview | bytes) -> None:
        """Append all of `data`."""
        rest = memoryview(data)
        with locked(self.fence):
            self._check()
            while rest:
                written = os.write(self.data, rest)
                self.offset += written
                rest = rest[written:]

    def copy(self, source: BinaryIO, count: int) -> int:
        """Append up to `count` bytes of another file, within the kernel where it can do that."""
        with locked(self.fence):
            self._check()
            copied = self._copy(source, min(count, COPY_BYTES))
            self.offset += copied
        return copied

    def _copy(self, source: BinaryIO, count: int) -> int:
        if not hasattr(os, "copy_file_range"):
            return os.write(self.data, source.read(count))
        # The kernel does not copy into a file that was opened for appending.
        target = os.open(self.file, os.O_WRONLY)
        try:
            return os.copy_file_range(source.fileno(), target, count, offset_dst=self.offset)
        finally:
            os.close(target)

    def withdraw(self, offset: int) -> None:
        """Take back what this right has written beyond `offset`, if it still rules."""
        with locked(self.fence):
            if _read_fence(self.fence).token == self.mine.token:
                os.ftruncate(self.data, offset)
                self.offset = offset

    def accept(self) -> None:
        """What was tentative counts from now on."""
        with locked(self.fence):
            self._check()
            self.mine = Fence(self.mine.token, NOTHING_TENTATIVE)
            _write_fence(self.fence, self.mine)

    def secure(self) -> None:
        """Make the bytes written survive a power cut."""
        outside(os.fsync, self.data)

    def end(self) -> None:
        """Give the right back; the bytes stay, but what is still tentative goes."""
        try:
            with locked(self.fence):
                if _read_fence(self.fence).token == self.mine.token:
                    _clear(self.data, self.fence, self.mine)
        finally:
            os.close(self.data)
            os.close(self.fence)


def _clear(data: int, fence: int, found: Fence) -> None:
    """Let nobody write. Called under the lock."""
    if found.base != NOTHING_TENTATIVE and os.fstat(data).st_size > found.base:
        os.ftruncate(data, found.base)
    _write_fence(fence, OPEN)


class DiskStore:
    """Files below one directory; see `uploads.stores.base.Store`."""

    extensions = frozenset(
        (
            *("creation", "creation-defer-length", "creation-with-upload", "expiration"),
            *("termination", "checksum", "checksum-trailer"),
            *("concatenation", "concatenation-unfinished"),
        )
    )

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def _file(self, name: str) -> str:
        return os.path.join(self.directory, name[:2], name)

    def create(self, name: str) -> None:
        """Make an empty file."""
        file = self._file(name)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY
        try:
            descriptor = os.open(file, flags, 0o600)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
            descriptor = os.open(file, flags, 0o600)
        os.close(descriptor)

    def take(self, name: str, offset: int, tentative: bool = False) -> DiskWriting:
        """Take the right to append at `offset`, from whoever has it."""
        file = self._file(name)
        # The fence is opened first: a removal in between then shows as a missing file.
        fence = self._open_fence(file)
        try:
            data = os.open(file, os.O_RDWR | os.O_APPEND | BINARY)
        except FileNotFoundError as problem:
            os.close(fence)
            _unlink(file + FENCE_SUFFIX)
            raise Missing(name) from problem
        except OSError:
            os.close(fence)
            raise
        mine = Fence(secrets.token_bytes(len(NOBODY)), offset if tentative else NOTHING_TENTATIVE)
        try:
            with locked(fence):
                found = _read_fence(fence)
                held = _counting(os.fstat(data).st_size, found)
                if found.token == REMOVED:
                    raise Missing(name)
                if held != offset:
                    raise Misplaced(held)
                _clear(data, fence, found)
                _write_fence(fence, mine)
        except BaseException:
            os.close(data)
            os.close(fence)
            raise
        return DiskWriting(file, data, fence, mine, offset)

    def _open_fence(self, file: str) -> int:
        try:
            return os.open(file + FENCE_SUFFIX, os.O_RDWR | os.O_CREAT | BINARY, 0o600)
        except FileNotFoundError as problem:
            raise Missing(os.path.basename(file)) from problem

    def settle(self, name: str) -> int:
        """End anybody's right to write and tell the bytes held."""
        file = self._file(name)
        try:
            fence = os.open(file + FENCE_SUFFIX, os.O_RDWR | BINARY)
        except FileNotFoundError:
            return os.stat(self.path(name)).st_size
        try:
            if _read_fence(fence).token not in (NOBODY, REMOVED):
                self._end_writer(name, fence)
            return os.stat(self.path(name)).st_size
        finally:
            os.close(fence)

    def _end_writer(self, name: str, fence: int) -> None:
        data = os.open(self.path(name), os.O_RDWR | BINARY)
        try:
            with locked(fence):
                found = _read_fence(fence)
                if found.token != REMOVED:
                    _clear(data, fence, found)
        finally:
            os.close(data)

    def held(self, name: str) -> int:
        """The bytes held now."""
        size = os.stat(self.path(name)).st_size
        try:
            fence = os.open(self._file(name) + FENCE_SUFFIX, os.O_RDONLY | BINARY)
        except FileNotFoundError:
            return size
        try:
            return _counting(size, _read_fence(fence))
        finally:
            os.close(fence)

    def open(self, name: str) -> BinaryIO:
        """The bytes, for reading."""
        return open(self.path(name), "rb", buffering=0)

    def path(self, name: str) -> str:
        """A local path to read the bytes from."""
        file = self._file(name)
        if not os.path.exists(file):
            raise Missing(name)
        return file

    def remove(self, name: str) -> int:
        """End anybody's right to write and remove the bytes."""
        file = self._file(name)
        try:
            fence = self._open_fence(file)
        except Missing:
            return 0
        try:
            with locked(fence):
                _write_fence(fence, CLOSED)
                freed = os.stat(file).st_size if os.path.exists(file) else 0
                _unlink(file)
        finally:
            os.close(fence)
        _unlink(file + FENCE_SUFFIX)
        return freed

    def names(self) -> Iterator[tuple[str, float]]:
        """Every name held, with the time of its last change."""
        for file in Path(self.directory).glob("??/*"):
            try:
                yield file.name.removesuffix(FENCE_SUFFIX), file.stat().st_mtime
            except FileNotFoundError:
                continue  # it ended meanwhile

    def free(self) -> int:
        """Bytes of free space."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        return int(psutil.disk_usage(self.directory).free)


def _counting(size: int, found: Fence) -> int:
    """How many of a file's bytes count: tentative ones do not."""
    return size if found.base == NOTHING_TENTATIVE else min(size, found.base)


def _unlink(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        pass  # somebody else removed it first, which is what was wanted

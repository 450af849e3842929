"""Bytes on a local disk: one file an upload, and beside it, while it is written, its fence.

The fence file holds the token of whoever may write. Every buffer is appended under a lock held for
microseconds, after looking that the token still rules and that the file ends where expected. So a
newer request takes over at once, from any process of this machine, and the older one's later bytes
never land. A writer that was killed leaves only a token, which the next one overwrites.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import psutil

from uploads.stores.base import Misplaced, Missing, Superseded
from uploads.stores.locking import locked

TOKEN_BYTES = 16
NOBODY = bytes(TOKEN_BYTES)
REMOVED = b"\xff" * TOKEN_BYTES
BINARY = getattr(os, "O_BINARY", 0)  # Windows translates line ends without it
FENCE_SUFFIX = ".fence"


def _read_token(fence: int) -> bytes:
    os.lseek(fence, 0, os.SEEK_SET)
    return os.read(fence, TOKEN_BYTES) or NOBODY


def _write_token(fence: int, token: bytes) -> None:
    os.lseek(fence, 0, os.SEEK_SET)
    os.write(fence, token)


class DiskWriting:
    """The right to append to one file; see `uploads.stores.base.Writing`."""

    def __init__(self, data: int, fence: int, token: bytes, offset: int) -> None:
        self.data = data
        self.fence = fence
        self.token = token
        self.offset = offset

    def _rules(self) -> bool:
        return _read_token(self.fence) == self.token and os.fstat(self.data).st_size == self.offset

    def write(self, data: memoryview | bytes) -> None:
        """Append all of `data`."""
        rest = memoryview(data)
        with locked(self.fence):
            if not self._rules():
                raise Superseded
            while rest:
                written = os.write(self.data, rest)
                self.offset += written
                rest = rest[written:]

    def withdraw(self, offset: int) -> None:
        """Take back what this right has written beyond `offset`, if it still rules."""
        with locked(self.fence):
            if self._rules():
                os.ftruncate(self.data, offset)
                self.offset = offset

    def secure(self) -> None:
        """Make the bytes written survive a power cut."""
        os.fsync(self.data)

    def end(self) -> None:
        """Give the right back; the bytes stay."""
        try:
            with locked(self.fence):
                if _read_token(self.fence) == self.token:
                    _write_token(self.fence, NOBODY)
        finally:
            os.close(self.data)
            os.close(self.fence)


class DiskStore:
    """Files below one directory; see `uploads.stores.base.Store`."""

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

    def take(self, name: str, offset: int) -> DiskWriting:
        """Take the right to append at `offset`, from whoever has it."""
        file = self._file(name)
        # The fence is opened first: a removal in between then shows as a missing file.
        fence = self._open_fence(file)
        try:
            data = os.open(file, os.O_WRONLY | os.O_APPEND | BINARY)
        except FileNotFoundError as problem:
            os.close(fence)
            _unlink(file + FENCE_SUFFIX)
            raise Missing(name) from problem
        except OSError:
            os.close(fence)
            raise
        try:
            token = secrets.token_bytes(TOKEN_BYTES)
            with locked(fence):
                if _read_token(fence) == REMOVED:
                    raise Missing(name)
                held = os.fstat(data).st_size
                if held != offset:
                    raise Misplaced(held)
                _write_token(fence, token)
        except BaseException:
            os.close(data)
            os.close(fence)
            raise
        return DiskWriting(data, fence, token, offset)

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
            return self.held(name)
        try:
            if _read_token(fence) in (NOBODY, REMOVED):
                return self.held(name)
            with locked(fence):
                if _read_token(fence) != REMOVED:
                    _write_token(fence, NOBODY)
                return self.held(name)
        finally:
            os.close(fence)

    def held(self, name: str) -> int:
        """The bytes held now."""
        return os.stat(self.path(name)).st_size

    def open(self, name: str) -> BinaryIO:
        """The bytes, for reading."""
        return open(self.path(name), "rb")

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
                _write_token(fence, REMOVED)
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


def _unlink(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        pass  # somebody else removed it first, which is what was wanted

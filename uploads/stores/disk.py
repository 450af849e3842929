"""A store on a local disk: one file per upload, and beside it, while it is written, its fence.

The fence file holds the current writer's token. Every buffer is appended under a lock held for
microseconds, after checking that the token is current and that the file ends where expected. So a
newer request takes over at once, from any process of this machine, and later bytes of the older one
are never written. A killed writer leaves only a token, which the next one overwrites.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from django.core.exceptions import ImproperlyConfigured

from uploads.cooperative import outside
from uploads.stores.base import FULL, Entry, Missing, OffsetMismatch, StoreUnavailable
from uploads.stores.disk_writing import DiskWriter
from uploads.stores.fence import (
    CLOSED,
    NO_WRITER,
    NOTHING_TENTATIVE,
    OPEN,
    REMOVED,
    Fence,
    clear,
    counting,
    read_fence,
    write_fence,
)
from uploads.stores.locking import locked
from uploads.stores.syncing import sync_directory, sync_file

# Windows translates line endings without it.
BINARY = getattr(os, "O_BINARY", 0)
# The fence stays as long as the file. A request that saw the upload unfinished may have it open, or
# may open it later: with a new fence file, two writers would each believe that they alone may
# append.
FENCE_SUFFIX = ".fence"
FOLDER_CHARACTERS = 2  # files are in folders named by the first characters of their names
IDENTITY_FILE = "store_id"
LARGE = 64 * 1024 * 1024  # bytes; files up to this size are removed instantly


class DiskStore:
    """Files below one directory; implements `uploads.stores.base.Store`."""

    extensions = frozenset(
        (
            *("creation", "creation-defer-length", "creation-with-upload", "expiration"),
            *("termination", "checksum", "checksum-trailer"),
            *("concatenation", "concatenation-unfinished"),
        )
    )

    def __init__(self, directory: str, durable: bool = False) -> None:
        if not os.path.isabs(directory):  # else the bytes would go wherever a process was started
            raise ImproperlyConfigured(
                f"UPLOADS_DIR must be the absolute path of a folder; it is {str(directory)!r}."
            )
        self.directory = directory
        self.durable = durable

    def _file(self, name: str) -> str:
        return os.path.join(self.directory, name[:FOLDER_CHARACTERS], name)

    def identity(self) -> str | None:
        """The content of the file `store_id`."""
        try:
            return Path(self.directory, IDENTITY_FILE).read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None

    def identify(self, identity: str) -> None:
        """Writes the file `store_id` atomically."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        file = os.path.join(self.directory, IDENTITY_FILE)
        # One name per process: two that start at once write the same, but not the same temporary
        # file.
        new = f"{file}.{secrets.token_hex(8)}"
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o600)
        try:
            try:
                os.write(descriptor, f"{identity}\n".encode("ascii"))
                sync_file(descriptor)
            finally:
                os.close(descriptor)
            os.replace(new, file)
        except OSError:
            _unlink(new)
            raise
        sync_directory(self.directory)

    def check_writable(self) -> None:
        """Creates and removes a file; a full disk is not this method's concern."""
        probe = os.path.join(self.directory, f"{IDENTITY_FILE}.{secrets.token_hex(8)}")
        try:
            os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o600))
            os.unlink(probe)
        except OSError as problem:
            if problem.errno not in FULL:
                raise

    def _make_folder(self, folder: str) -> None:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            return  # another process created it first
        if self.durable:
            sync_directory(self.directory)

    def _is_there(self) -> bool:
        """Whether the directory is the store, rather than the mount point of an unmounted disk."""
        return os.path.exists(os.path.join(self.directory, IDENTITY_FILE))

    def _absence(self, name: str) -> Missing | StoreUnavailable:
        """The right error for a file that is not found."""
        return Missing(name) if self._is_there() else StoreUnavailable(self.directory)

    def create(self, name: str) -> None:
        file = self._file(name)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY
        try:
            descriptor = os.open(file, flags, 0o600)
        except FileNotFoundError:
            if not self._is_there():
                raise StoreUnavailable(self.directory) from None
            self._make_folder(os.path.dirname(file))
            descriptor = os.open(file, flags, 0o600)
        try:
            if self.durable:
                sync_file(descriptor)
                sync_directory(os.path.dirname(file))
        finally:
            os.close(descriptor)

    def acquire_writer(self, name: str, offset: int, tentative: bool = False) -> DiskWriter:
        file = self._file(name)
        # The fence is opened first: a removal in between then shows as a missing file.
        fence = self._open_fence(file)
        try:
            data = os.open(file, os.O_RDWR | os.O_APPEND | BINARY)
        except FileNotFoundError as problem:
            os.close(fence)
            _unlink(file + FENCE_SUFFIX)
            raise self._absence(name) from problem
        except OSError:
            os.close(fence)
            raise
        mine = Fence(
            secrets.token_bytes(len(NO_WRITER)), offset if tentative else NOTHING_TENTATIVE
        )
        try:
            with locked(fence):
                found = _unless_removed(name, read_fence(fence))
                held = counting(os.fstat(data).st_size, found)
                if held != offset:
                    raise OffsetMismatch(held)
                clear(data, fence, found, mine)
            if tentative and self.durable:  # before any byte reaches it
                sync_file(fence)
                sync_directory(os.path.dirname(file))
        except BaseException:
            os.close(data)
            os.close(fence)
            raise
        return DiskWriter(file, data, fence, mine, offset, self.durable)

    def _open_fence(self, file: str) -> int:
        try:
            return os.open(file + FENCE_SUFFIX, os.O_RDWR | os.O_CREAT | BINARY, 0o600)
        except FileNotFoundError as problem:
            raise self._absence(os.path.basename(file)) from problem

    def fence_and_get_offset(self, name: str) -> int:
        file = self._file(name)
        size = self._size(name)
        try:
            fence = _open_if_need_be_to_read(file + FENCE_SUFFIX)
        except FileNotFoundError:
            return self._secured(name, size)  # never written yet
        try:
            with locked(fence):
                found = _unless_removed(name, read_fence(fence))
                if found.token != NO_WRITER:
                    found = self._end_writer(name, fence, found)
                size = counting(self._size(name), found)
        finally:
            os.close(fence)
        return self._secured(name, size)

    def _end_writer(self, name: str, fence: int, found: Fence) -> Fence:
        """Ends the current writer, and returns the fence's new content. Call it under the lock."""
        try:
            data = os.open(self._file(name), os.O_RDWR | BINARY)
        except FileNotFoundError as problem:
            raise self._absence(name) from problem
        except OSError as problem:
            if problem.errno != errno.EROFS:
                raise
            return found  # the right remains, but the disk can't be written
        try:
            clear(data, fence, found)
        finally:
            os.close(data)
        return OPEN

    def _secured(self, name: str, size: int) -> int:
        """The same size, once its bytes are durable."""
        self.secure(name)
        return size

    def secure(self, name: str) -> None:
        if not self.durable:
            return
        file = self._file(name)
        for path in (file, file + FENCE_SUFFIX):
            try:
                descriptor = _open_if_need_be_to_read(path)
            except FileNotFoundError as problem:
                if path == file:
                    raise self._absence(name) from problem
                continue
            try:
                sync_file(descriptor)
            finally:
                os.close(descriptor)

    def _size(self, name: str) -> int:
        try:
            return os.stat(self._file(name)).st_size
        except FileNotFoundError as problem:
            raise self._absence(name) from problem

    def held(self, name: str) -> int:
        size = self._size(name)
        try:
            fence = os.open(self._file(name) + FENCE_SUFFIX, os.O_RDONLY | BINARY)
        except FileNotFoundError:
            return size
        try:
            with locked(fence):  # otherwise tentative bytes might be removed between the two looks
                return counting(self._size(name), _unless_removed(name, read_fence(fence)))
        finally:
            os.close(fence)

    def open(self, name: str) -> BinaryIO:
        return open(self.path(name), "rb", buffering=0)

    def path(self, name: str) -> str:
        self._size(name)
        return self._file(name)

    def remove(self, name: str) -> int:
        file = self._file(name)
        try:
            fence = self._open_fence(file)
        except Missing:
            return 0
        except OSError as problem:
            if problem.errno not in FULL:
                raise
            # No inode is left. So there is no fence and no writer: a writer would have created one.
            return _unlink(file)
        try:
            with locked(fence):
                freed = _close(fence, file)
        finally:
            os.close(fence)
        # Without the lock: waiting for it blocks the whole process, and gigabytes take a while.
        freed += outside(_unlink, file) if _is_large(file) else _unlink(file)
        _unlink(file + FENCE_SUFFIX)
        return freed

    def entries(self, start: str = "") -> Iterator[Entry]:
        """Includes fences without a file."""
        pattern = start[:FOLDER_CHARACTERS].ljust(FOLDER_CHARACTERS, "?")
        for folder in Path(self.directory).glob(pattern):
            found: dict[str, Entry] = {}
            for name, size, changed in _files_in(folder):
                plain = name.removesuffix(FENCE_SUFFIX)
                before = found.get(plain, Entry(plain, 0, 0, is_rest=True))
                is_fence = name != plain
                size = before.size if is_fence else size
                changed = max(changed, before.changed)
                found[plain] = Entry(plain, size, changed, is_fence and before.is_rest)
            yield from (entry for entry in found.values() if entry.name.startswith(start))

    def free(self) -> int:
        try:
            return shutil.disk_usage(self.directory).free
        except FileNotFoundError:  # nothing is stored yet
            place = Path(self.directory).absolute()
            disk = next(folder for folder in place.parents if folder.exists())
            return shutil.disk_usage(disk).free


def _files_in(folder: Path) -> Iterator[tuple[str, int, float]]:
    """Name, size and time of the last change of each file in a folder."""
    try:
        with os.scandir(folder) as files:
            for file in files:
                try:
                    facts = file.stat()
                except FileNotFoundError:
                    continue  # removed meanwhile
                yield file.name, facts.st_size, facts.st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return


def _open_if_need_be_to_read(file: str) -> int:
    """Opens it for reading and writing, or only for reading if the disk is read-only."""
    try:
        return os.open(file, os.O_RDWR | BINARY)
    except OSError as problem:
        if problem.errno not in (errno.EROFS, errno.EACCES):
            raise
        return os.open(file, os.O_RDONLY | BINARY)


def _unless_removed(name: str, found: Fence) -> Fence:
    """The fence's content; raises if the file was removed, even if a kill left it behind."""
    if found.token == REMOVED:
        raise Missing(name)
    return found


def _close(fence: int, file: str) -> int:
    """Ends writing permanently. Call it under the lock, before the file is removed.

    Returns:
        The bytes of the file, if it had to be removed first.
    """
    freed = 0
    try:
        write_fence(fence, CLOSED)
    except OSError as problem:
        if problem.errno not in FULL:
            raise
        # An empty fence needs a disk block to say so; removing the file has freed some.
        freed = _unlink(file)
        with suppress(OSError):  # an empty file freed none; it is gone, which ends writing as well
            write_fence(fence, CLOSED)
    return freed


def _is_large(file: str) -> bool:
    """Whether removing it takes a while."""
    try:
        return os.stat(file).st_size > LARGE
    except FileNotFoundError:
        return False


def _unlink(file: str) -> int:
    """Removes a file; returns its size in bytes."""
    try:
        size = os.stat(file).st_size
        os.unlink(file)
    except FileNotFoundError:
        return 0  # another process removed it first
    return size

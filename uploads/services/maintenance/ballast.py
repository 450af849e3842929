"""Disk space reserved beside SQLite's file, and released when the disk is full.

SQLite needs free space even to delete a row, or to be opened at all: on a completely full disk
users could not log in, run the cleanup or start the site. Code that frees space calls `make_room`
before it writes. The reserve is several files of a few blocks: each also frees an inode, and if the
disk fills up again, some are left.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections, router

from uploads.models import Upload

logger = logging.getLogger(__name__)

FOLDER = "ballast"
PIECES = 16
PIECE_BYTES = 1024 * 1024
NEEDED_BYTES = 4 * PIECE_BYTES  # SQLite's log grows this far before it is written back
NEEDED_FILES = 8  # inodes: SQLite creates two files beside its own
KEPT_FROM = 3 * PIECES * PIECE_BYTES  # bytes that must be free to create it
KEPT_FROM_FILES = 3 * PIECES  # inodes free to create ballast
NO_ROOM = "no-room"  # marks that pieces were released though the disk seemed to have space
QUOTA_REST = 3600  # seconds after that without creating new ones


def place() -> Path | None:
    """The folder of the pieces; None if the database is not a local file."""
    connection = connections[router.db_for_write(Upload)]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(connection.settings_dict["NAME"]).parent / FOLDER


def is_low() -> bool:
    """Whether the database's disk has less free space than SQLite needs."""
    folder = place()
    with _without_it():
        return folder is not None and _is_low(folder.parent)
    return False


def make_room() -> None:
    """Releases as many pieces as SQLite needs to write; call it before freeing disk space."""
    folder = place()
    if folder is None:
        return
    gone = 0
    with _without_it():
        while _is_low(folder.parent) and _release(folder):
            gone += 1
        if gone:
            logger.warning(
                "the disk is full: releasing %s of %s MiB of ballast", gone, gone + _held(folder)
            )


def release() -> None:
    """Releases some pieces though the disk seems to have space: there may be a quota."""
    folder = place()
    if folder is None:
        return
    with _without_it():
        gone = [_release(folder) for _ in range(NEEDED_BYTES // PIECE_BYTES)]
        if any(gone):
            (folder / NO_ROOM).touch()


def keep() -> None:
    """Creates missing pieces if the disk has plenty of space."""
    folder = place()
    if folder is None:
        return
    with _without_it():
        if not _has_plenty(folder.parent) or _was_refused(folder):
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(PIECES):
            _make(folder / str(number))


@contextmanager
def _without_it() -> Iterator[None]:
    """Continues without ballast if the disk refuses: the next step may not need it."""
    try:
        yield
    except OSError as problem:  # another program used the space, or the folder is not writable
        logger.warning("the ballast can't be maintained: %s", problem)


def _make(piece: Path) -> None:
    """Creates one missing piece, of blocks that are really allocated."""
    if piece.exists() and piece.stat().st_size == PIECE_BYTES:
        return
    try:
        with piece.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, PIECE_BYTES)
            else:
                file.write(os.urandom(PIECE_BYTES))  # zeros might use no blocks
    except OSError:
        piece.unlink(missing_ok=True)
        raise


def _release(folder: Path) -> bool:
    """Removes one piece; returns whether there was one."""
    for number in range(PIECES):
        try:
            (folder / str(number)).unlink()
        except FileNotFoundError:
            continue
        return True
    return False


def _held(folder: Path) -> int:
    return sum((folder / str(number)).exists() for number in range(PIECES))


def _was_refused(folder: Path) -> bool:
    """Whether space was refused a while ago though there seemed to be some."""
    try:
        refused = (folder / NO_ROOM).stat().st_mtime
    except FileNotFoundError:
        return False
    return abs(time.time() - refused) < QUOTA_REST


def _has_plenty(folder: Path) -> bool:
    return _has(folder, KEPT_FROM, KEPT_FROM_FILES)


def _is_low(folder: Path) -> bool:
    return not _has(folder, NEEDED_BYTES, NEEDED_FILES)


def _has(folder: Path, needed_bytes: int, needed_files: int) -> bool:
    """Whether that many bytes and inodes are free."""
    if not hasattr(os, "statvfs"):
        return shutil.disk_usage(folder).free >= needed_bytes
    found = os.statvfs(folder)
    # File systems that create inodes on demand report none at all.
    with_inodes = not found.f_files or found.f_favail >= needed_files
    return found.f_bavail * found.f_frsize >= needed_bytes and with_inodes

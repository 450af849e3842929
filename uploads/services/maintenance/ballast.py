"""A little of the disk, kept back beside SQLite's file and let go when the disk is full.

SQLite needs room to write down even that something is gone, and to be opened at all: on a disk
without a free byte nobody could sign in, run the cleanup or start the site. What frees the disk
calls `make_room` before it writes. Several files of a few blocks: each gives an inode back, too,
and a full disk that fills again finds some left.
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
NEEDED_BYTES = 4 * PIECE_BYTES  # SQLite's log grows so far before it is written back
NEEDED_FILES = 8  # SQLite makes two beside its own
KEPT_FROM = 3 * PIECES * PIECE_BYTES  # bytes free: where there is less, others need them more
KEPT_FROM_FILES = 3 * PIECES  # inodes free, the same
NO_ROOM = "no-room"  # says when pieces were let go of though the disk looked as if there were room
QUOTA_REST = 3600  # seconds after that without new ones


def place() -> Path | None:
    """The folder of the pieces; None where the database is not a file of ours."""
    connection = connections[router.db_for_write(Upload)]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(connection.settings_dict["NAME"]).parent / FOLDER


def is_low() -> bool:
    """Whether the database's disk has less room left than SQLite needs."""
    folder = place()
    with _without_it():
        return folder is not None and _is_low(folder.parent)
    return False


def make_room() -> None:
    """Let go of so many pieces that SQLite can write; called before what frees the disk."""
    folder = place()
    if folder is None:
        return
    gone = 0
    with _without_it():
        while _is_low(folder.parent) and _release(folder):
            gone += 1
        if gone:
            logger.warning(
                "the disk is full: %s of %s MiB of ballast go", gone, gone + _held(folder)
            )


def release() -> None:
    """Let go of some, though the disk looks as if there were room: there may be a quota."""
    folder = place()
    if folder is None:
        return
    with _without_it():
        gone = [_release(folder) for _ in range(NEEDED_BYTES // PIECE_BYTES)]
        if any(gone):
            (folder / NO_ROOM).touch()


def keep() -> None:
    """Keep some of the disk back, where there is plenty and it was let go or never kept."""
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
    """Go on without ballast where the disk refuses: what comes next may not need it."""
    try:
        yield
    except OSError as problem:  # others took the room, or the folder is no longer ours
        logger.warning("the ballast cannot be seen to: %s", problem)


def _make(piece: Path) -> None:
    """Make one piece, if it is not there, of blocks that are really its own."""
    if piece.exists() and piece.stat().st_size == PIECE_BYTES:
        return
    try:
        with piece.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, PIECE_BYTES)
            else:
                file.write(os.urandom(PIECE_BYTES))  # zeros might take no room
    except OSError:
        piece.unlink(missing_ok=True)
        raise


def _release(folder: Path) -> bool:
    """Remove one piece; whether there was one."""
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
    """Whether there was no room a while ago though there seemed to be: new ones would take it."""
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
    """Whether so many bytes and inodes are free."""
    if not hasattr(os, "statvfs"):
        return shutil.disk_usage(folder).free >= needed_bytes
    found = os.statvfs(folder)
    # File systems that make inodes as they need them say that they have none at all.
    with_inodes = not found.f_files or found.f_favail >= needed_files
    return found.f_bavail * found.f_frsize >= needed_bytes and with_inodes

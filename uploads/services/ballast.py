"""A little of the disk, kept back beside SQLite's file and let go when the disk is full.

SQLite needs room to write down even that something is gone, and to be opened at all: on a disk
without a free byte nobody could sign in, run the cleanup or start the site. What frees the disk
calls `make_room` before it writes. Several files of a few blocks: each gives an inode back, too,
and a full disk that fills again finds some left.
"""

import logging
import os
import shutil
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


def place() -> Path | None:
    """The folder of the pieces; None where the database is not a file of ours."""
    connection = connections[router.db_for_write(Upload)]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    return Path(connection.settings_dict["NAME"]).parent / FOLDER


def is_low() -> bool:
    """Whether the database's disk has less room left than SQLite needs."""
    folder = place()
    return folder is not None and _is_low(folder.parent)


def make_room() -> None:
    """Let go of so many pieces that SQLite can write; called before what frees the disk."""
    folder = place()
    if folder is None:
        return
    gone = 0
    while _is_low(folder.parent) and _let_go(folder):
        gone += 1
    if gone:
        logger.warning("the disk is full: %s of %s MiB of ballast go", gone, gone + _held(folder))


def let_go() -> None:
    """Let go of some, though the disk looks as if there were room: there may be a quota."""
    folder = place()
    if folder is not None:
        for _ in range(NEEDED_BYTES // PIECE_BYTES):
            _let_go(folder)


def keep() -> None:
    """Keep some of the disk back, where there is plenty and it was let go or never kept."""
    folder = place()
    if folder is None or _free(folder.parent) < KEPT_FROM:
        return
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(PIECES):
            _make(folder / str(number))
    except OSError as problem:  # others took the room meanwhile
        logger.warning("no ballast can be kept in %s: %s", folder, problem)


def _make(piece: Path) -> None:
    """Make one piece, if it is not there, of blocks that are really its own."""
    if piece.exists() and piece.stat().st_size == PIECE_BYTES:
        return
    with piece.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, PIECE_BYTES)
        else:
            file.write(os.urandom(PIECE_BYTES))  # zeros might take no room


def _let_go(folder: Path) -> bool:
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


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _is_low(folder: Path) -> bool:
    if not hasattr(os, "statvfs"):
        return _free(folder) < NEEDED_BYTES
    found = os.statvfs(folder)
    # File systems that make inodes as they need them say that they have none at all.
    without_inodes = bool(found.f_files) and found.f_favail < NEEDED_FILES
    return found.f_bavail * found.f_frsize < NEEDED_BYTES or without_inodes

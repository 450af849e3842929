"""Waits until bytes are on the disk: synced data survives a power cut.

If the drive honours it; on macOS fsync does not flush the drive's cache.
"""

import os

from uploads.cooperative import outside


def sync_file(descriptor: int) -> None:
    """Waits until an open file's bytes and length are on the disk.

    Never call it under a fence's lock: other requests run meanwhile, and one that waits for the
    lock would block the whole process.
    """
    outside(os.fsync, descriptor)


def sync_directory(path: str) -> None:
    """Waits until a directory's entries are on the disk: fsync of a new file doesn't cover its
    name.

    Windows has no such call; NTFS journals its directories.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)

"""Waiting until the disk has it: what is synced survives a power cut.

As far as the drive tells the truth; on macOS fsync leaves the drive's own cache out.
"""

import os

from uploads.cooperative import outside


def sync_file(descriptor: int) -> None:
    """Wait until an open file's bytes and its length are on the disk.

    Never called under a fence's lock: other requests run meanwhile, and one that wants the lock
    would wait for it in a call that stops the whole process.
    """
    outside(os.fsync, descriptor)


def sync_directory(path: str) -> None:
    """Wait until the names in a directory are on the disk: a new file's name is no part of it.

    Windows has no such call; NTFS keeps its directories in a journal.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)

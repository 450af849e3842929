"""A store for tests that records what is synced, and takes its time for it."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from uploads.stores.disk import DiskStore

LINGER = 0.2  # seconds: a response that doesn't wait for the disk comes before its sync
_sync = os.fsync


def sync_and_tell(descriptor: int) -> None:
    time.sleep(LINGER)
    facts = os.fstat(descriptor)
    if Path(os.environ["SYNC_LOG"]).with_suffix(".fails").exists():
        raise OSError(errno.EIO, "this disk is broken")
    _sync(descriptor)
    log = os.open(os.environ["SYNC_LOG"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    try:
        os.write(log, f"{facts.st_ino} {facts.st_size}\n".encode())
    finally:
        os.close(log)


os.fsync = sync_and_tell  # type: ignore[assignment]


class TellingStore(DiskStore):
    """The usual store, in a process whose syncs are recorded."""

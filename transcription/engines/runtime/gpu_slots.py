"""Limits the requests that use one GPU at once, across all processes of this machine."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from transcription.engines.base import Request, ShouldStop
from transcription.media.errors import Cancelled

POLL = 0.3
"""Seconds between two searches for a free slot."""


@contextmanager
def taken(
    request: Request, device: str, on_wait: Callable[[], None], should_stop: ShouldStop
) -> Iterator[None]:
    """Holds a slot of the GPU; without a GPU it doesn't wait.

    A slot is a lock on a file: the system releases the slot of a killed process.

    Raises:
        Cancelled: should_stop() returned True.
    """
    if device != "cuda" or request.slots < 1 or not request.slots_dir:
        yield
        return
    lock = _first_free(request, on_wait, should_stop)
    try:
        yield
    finally:
        lock.release()


def _first_free(request: Request, on_wait: Callable[[], None], should_stop: ShouldStop) -> FileLock:
    folder = Path(request.slots_dir)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(request.slots)
    while not should_stop():
        for number in random.sample(numbers, len(numbers)):
            lock = FileLock(folder / f"card-{request.device_index}-slot-{number}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return lock
        on_wait()
        time.sleep(POLL)
    raise Cancelled

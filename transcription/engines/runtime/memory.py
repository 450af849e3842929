"""Limits the memory for reading a file: decoders trust the file's header, and some hundred bytes
can claim gigabytes.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from transcription.media.errors import FinalError, MediaError

MEMORY_POLL_SECONDS = 0.03
"""Seconds between two checks of the memory: meanwhile it grows by some dozens of megabytes."""
ASKED_AHEAD = 4 * 2**31
"""Bytes that FFmpeg may allocate at once, 2 GiB, before it uses the first of them."""


@contextmanager
def limited(count: int, tell: Callable[[FinalError], None]) -> Iterator[None]:
    """Lets the memory of this process grow by at most `count` bytes.

    If the system refuses memory, FFmpeg hides that and reports a damaged file. So a thread checks
    the memory in use, and ends the whole process before the system has to refuse. If memory grows
    too fast for the thread, the system refuses it, where it supports that (Linux).

    Args:
        count: Bytes.
        tell: Called right before the process is ended.

    Raises:
        MediaError: The system refused memory.
    """
    reason = MediaError(
        "too_much_memory",
        f"Reading this file takes more than {count / 2**20:.0f} MiB of memory, so it was stopped. "
        "The file is damaged, or needs a higher limit (DECODER_MEMORY).",
    )
    done = threading.Event()
    most = in_use() + count

    def watch() -> None:
        while not done.wait(MEMORY_POLL_SECONDS):
            if in_use() > most:
                tell(reason)
                os._exit(0)

    threading.Thread(target=watch, name="memory-watch", daemon=True).start()
    try:
        with refused_beyond(count + ASKED_AHEAD):
            yield
    except MemoryError as problem:
        raise reason from problem
    finally:
        done.set()


def in_use() -> int:
    """Private memory of this process, in bytes."""
    import psutil

    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


@contextmanager
def refused_beyond(count: int) -> Iterator[None]:
    """Lets the system refuse more than `count` bytes above the current memory.

    Only Linux does that; other systems have such a limit only by name, or not at all.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = writable() + count
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def writable() -> int:
    """Address space that counts for the limit, in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")

"""A limit to the memory that reading a file takes: decoders believe what a file says of itself, and
some hundred bytes can claim gigabytes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from transcription.media.errors import FinalError, MediaError

MEMORY_POLL_SECONDS = 0.03
"""Seconds between two looks at the memory: in that time it grows by some dozens of megabytes."""
ASKED_AHEAD = 4 * 2**31
"""Bytes that FFmpeg may ask for, 2 GiB at once, before it uses the first of them."""


@contextmanager
def limited(count: int, tell: Callable[[FinalError], None]) -> Iterator[None]:
    """Let the memory of this process grow by no more than `count` bytes.

    FFmpeg hides it where the system refuses memory, and reports a damaged file: so a thread looks
    how much is in use, and ends the whole process before the system has to refuse. What grows too
    fast for the thread the system refuses where it can do that (Linux).

    Args:
        count: Bytes.
        tell: Called last of all before the process is ended.

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
    """Let the system refuse this process more than `count` bytes above what it has.

    Only Linux does that; other systems know such a limit by name alone, or not at all.
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

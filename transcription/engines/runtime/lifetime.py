"""For processes that must never outlive their parent, however it ended."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path


def take_stdout() -> Callable[[bytes], None]:
    """Reserves stdout for messages, and returns the function that writes them.

    Native libraries may print to descriptor 1; from now on that goes to stderr.
    """
    private = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    file = os.fdopen(private, "wb", buffering=0)
    lock = threading.Lock()

    def write(data: bytes) -> None:
        with lock:
            view = memoryview(data)
            try:
                while view:
                    view = view[file.write(view) or 0 :]
            except OSError:  # the parent is gone
                os._exit(1)

    return write


def lines_until_parent_dies(on_end: Callable[[], None]) -> Iterator[bytes]:
    """The lines that the parent writes; when its end of the pipe closes, the process exits at once.

    Args:
        on_end: Called before that; must be quick and must not fail.
    """
    while line := sys.stdin.buffer.readline():
        yield line
    on_end()
    os._exit(0)


def end_with_stdin() -> None:
    """Waits for the end of stdin, then exits."""
    for _ in lines_until_parent_dies(lambda: None):
        pass


def watch_parent(on_end: Callable[[], None] = lambda: None) -> None:
    """Exits when the parent is gone, even if another process keeps its stdin open.

    That happens if the parent forked in between. Only POSIX systems have forks, and there an orphan
    gets another parent.
    """
    if sys.platform == "win32":
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        on_end()
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def lower_priority() -> None:
    """Gives web servers priority, and lets the system kill this process first if memory runs
    out."""
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")

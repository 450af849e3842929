"""A lock on one byte of an open file, between processes and threads, on every platform.

It is held for microseconds around plain system calls and never while anything waits, so blocking on
it is safe under gevent, too.
"""

import os
import sys

if sys.platform == "win32":
    import msvcrt
    from collections.abc import Iterator
    from contextlib import contextmanager

    # Windows blocks reading and writing of locked bytes, so the lock is far behind the content.
    LOCKED_BYTE = 1 << 30

    @contextmanager
    def locked(descriptor: int) -> Iterator[None]:
        """Holds the lock of this open file."""
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    class Lock:
        """Used for each piece of a body, so without the cost of a generator."""

        def __init__(self, descriptor: int) -> None:
            self.descriptor = descriptor

        def __enter__(self) -> None:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)

        def __exit__(self, *problem: object) -> None:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def locked(descriptor: int) -> Lock:
        return Lock(descriptor)

"""What lies beside a file on disk while it is written: who may write, and what counts of it."""

import os
import struct
from typing import NamedTuple

NOBODY = bytes(16)
REMOVED = b"\xff" * 16
NOTHING_TENTATIVE = -1


class Fence(NamedTuple):
    """What the fence file says.

    Attributes:
        token: Who may write; NOBODY, or REMOVED for good.
        base: Bytes that count while what lies behind them is tentative; else NOTHING_TENTATIVE.
    """

    token: bytes
    base: int


RECORD = struct.Struct("<16sq")
OPEN = Fence(NOBODY, NOTHING_TENTATIVE)
CLOSED = Fence(REMOVED, NOTHING_TENTATIVE)


def read_fence(descriptor: int) -> Fence:
    """What the open fence file says; one that says nothing yet lets everybody in."""
    record = _read(descriptor)
    return Fence(*RECORD.unpack(record)) if len(record) == RECORD.size else OPEN


def write_fence(descriptor: int, fence: Fence) -> None:
    """Let the open fence file say this. Called under its lock."""
    _write(descriptor, RECORD.pack(*fence))


def clear(data: int, fence: int, found: Fence, then: Fence = OPEN) -> None:
    """Let go what is still tentative, and let the fence say what comes then: as a rule that nobody
    may write. Called under the lock."""
    if found.base != NOTHING_TENTATIVE and os.fstat(data).st_size > found.base:
        os.ftruncate(data, found.base)
    write_fence(fence, then)


if hasattr(os, "pread"):  # Windows has none

    def _read(descriptor: int) -> bytes:
        return os.pread(descriptor, RECORD.size, 0)

    def _write(descriptor: int, record: bytes) -> None:
        os.pwrite(descriptor, record, 0)

else:

    def _read(descriptor: int) -> bytes:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.read(descriptor, RECORD.size)

    def _write(descriptor: int, record: bytes) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, record)


def counting(size: int, found: Fence) -> int:
    """How many of a file's bytes count: tentative ones do not."""
    return size if found.base == NOTHING_TENTATIVE else min(size, found.base)

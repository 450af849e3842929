"""The file beside an upload that is being written: the current writer, and which bytes count."""

import os
import struct
from typing import NamedTuple

NO_WRITER = bytes(16)
REMOVED = b"\xff" * 16
NOTHING_TENTATIVE = -1


class Fence(NamedTuple):
    """The content of the fence file.

    Attributes:
        token: The current writer's; or NO_WRITER, or REMOVED, which is final.
        base: The bytes that count while later ones are tentative; else NOTHING_TENTATIVE.
    """

    token: bytes
    base: int


RECORD = struct.Struct("<16sq")
OPEN = Fence(NO_WRITER, NOTHING_TENTATIVE)
CLOSED = Fence(REMOVED, NOTHING_TENTATIVE)


def read_fence(descriptor: int) -> Fence:
    """Parses the open fence file; an empty one has no writer yet."""
    record = _read(descriptor)
    return Fence(*RECORD.unpack(record)) if len(record) == RECORD.size else OPEN


def write_fence(descriptor: int, fence: Fence) -> None:
    """Writes the open fence file. Call it under its lock."""
    _write(descriptor, RECORD.pack(*fence))


def clear(data: int, fence: int, found: Fence, then: Fence = OPEN) -> None:
    """Removes tentative bytes and sets the fence's next content, usually that there is no writer.
    Call it under the lock."""
    if found.base != NOTHING_TENTATIVE and os.fstat(data).st_size > found.base:
        os.ftruncate(data, found.base)
    write_fence(fence, then)


if hasattr(os, "pread"):  # Windows has no such call

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
    """The bytes of a file that count: tentative ones don't."""
    return size if found.base == NOTHING_TENTATIVE else min(size, found.base)

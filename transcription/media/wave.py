"""Compares the header of a WAV or AIFF file with the content of the file."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

CHECKED_FORMATS = frozenset(("wav", "aiff"))
_UNKNOWN = ((0x7FFFF000, 0x80000100), (0xFFFFF000, 2**32))
"""Sizes around 2 and 4 GiB come from programs that did not know the final size."""
_CHUNKS = 10_000
_LOOKED_AT = 2**20


def promised_bytes(path: Path) -> int | None:
    """Bytes of audio that a WAV header declares; None if it declares none."""
    with path.open("rb") as file:
        start, end = _sound(file)
    said = end - start
    if not said or any(first <= said < last for first, last in _UNKNOWN):
        return None
    return said


def ends_strangely(path: Path) -> bool:
    """Whether something follows the audio of a WAV that is not part of its structure.

    FFmpeg would search all of it for parts, even gigabytes of zeros.
    """
    if not path.is_file():
        return False
    size = path.stat().st_size
    with path.open("rb") as file:
        _, end = _sound(file)
        return 0 < end < size and _after_chunks(file, end, size, "little") < size


def hole_until_end(path: Path, at: int) -> int:
    """Bytes of audio from `at` to the end of a WAV, if they use no disk space; else 0.

    They are zeros, and reading gigabytes of them would only take time.
    """
    if not hasattr(os, "SEEK_DATA"):
        return 0
    with path.open("rb") as file:
        end = min(_sound(file)[1] or sys.maxsize, os.fstat(file.fileno()).st_size)
        try:
            data = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno != errno.ENXIO:
                return 0  # this file system doesn't say
            data = end  # no more data on the disk
    return max(0, end - at) if data >= end else 0


def _sound(file: BinaryIO) -> tuple[int, int]:
    """Where the audio of a WAV begins and ends, by its header; (0, 0) if it doesn't say."""
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
        return 0, 0
    long_size = None
    for _ in range(_CHUNKS):
        kind, size = _chunk(file.read(8), "little")
        start = file.tell()
        if kind == b"data":
            if long_size is not None and head[:4] != b"RIFF":
                return start, start + long_size
            return (start, start + size) if 0 < size < 2**32 - 1 else (0, 0)
        if kind == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        if not kind:
            break
        file.seek(start + size + size % 2)
    return 0, 0


def unread_bytes(path: Path, container: str, end: int) -> int:
    """Bytes after the audio, according to the header, that are not part of the file's structure.

    Args:
        path: The file.
        container: One of CHECKED_FORMATS.
        end: Where the audio ends.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        end = _after_chunks(file, end, size, "big" if container == "aiff" else "little")
        file.seek(end)
        rest = file.read(_LOOKED_AT)
    return size - end if rest.strip(b"\0") else 0  # zeros: reserved and unused space


def _after_chunks(file: BinaryIO, at: int, size: int, order: str) -> int:
    """Where the last complete chunk from `at` on ends."""
    for _ in range(_CHUNKS):
        for start in (at, at + at % 2):
            file.seek(start)
            kind, length = _chunk(file.read(8), order)
            if kind and start + 8 + length <= size:
                at = min(size, start + 8 + length + length % 2)
                break
        else:
            return at
    return at


def _chunk(head: bytes, order: str) -> tuple[bytes, int]:
    """Kind and length of the chunk with this header; b"" if it isn't one."""
    if len(head) < 8 or not all(0x20 <= byte < 0x7F for byte in head[:4]):
        return b"", 0
    return head[:4], int.from_bytes(head[4:], "big" if order == "big" else "little")

"""Recognises a truncated MP4 (MOV, M4A, 3GP)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_AT_THE_TOP = frozenset(b"ftyp moov mdat free skip wide pnot styp sidx moof uuid meta udta".split())
_FIRST = _AT_THE_TOP - {b"meta"}
_MOST_BOXES = 100_000


def cut_off(path: Path) -> str:
    """A sentence that says what is missing in an MP4 without an index; "" if that is not the cause.

    Players need the index (the box `moov`), which recorders write last.
    """
    if not begins_so(path):
        return ""
    size = path.stat().st_size
    with path.open("rb") as file:
        boxes = list(_boxes(file, size))
    if not boxes or boxes[-1][1] + 8 <= size:  # the data after the last box is damaged, or no box
        return ""
    names = [name for name, _ in boxes]
    missing = max(0, boxes[-1][1] - size)
    if b"moov" in (names[:-1] if missing else names):
        return ""
    if missing:
        return (
            f"The file is cut off: at least {_amount(missing)} are missing at its end, and with "
            "them the index that players need. Copy or upload the whole file again."
        )
    return (
        "The file is cut off, or the recording was never finished: the index that players need "
        "is missing at its end. Copy or upload the whole file again, or repair it."
    )


def begins_so(path: Path) -> bool:
    """Whether the first box is one with which an MP4 begins."""
    with path.open("rb") as file:
        return file.read(8)[4:] in _FIRST


def missing_bytes(path: Path) -> int:
    """The bytes missing at the end of an MP4 that can be opened, as far as it shows that."""
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = [end for _, end in _boxes(file, size)]
    return max(0, ends[-1] - size) if ends else 0


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and end of each top-level box; the last one may end beyond the file."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > size:
            return
        file.seek(at)
        head = file.read(16)
        length, kind, first = int.from_bytes(head[:4], "big"), head[4:8], 8
        if kind not in _AT_THE_TOP:
            return
        if length == 1:
            length, first = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:  # up to the end of the file
            length = size - at
        if length < first:
            return
        at += length
        yield kind, at


def _amount(count: int) -> str:
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:.0f} {unit}"
    return f"{count} bytes"

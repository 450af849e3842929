"""Conditions and byte ranges of GET (RFC 9110, sections 13 and 14), and the slice they select."""

import re
from typing import BinaryIO

from uploads.errors import RangeUnsatisfiable


def names_etag(header: str, etag: str, weak: bool = False) -> bool:
    """Whether If-Match or (weak) If-None-Match matches this representation.

    Args:
        header: A list of entity tags, or `*`.
        etag: The file's tag, in quotes.
        weak: Whether `W/"…"` matches, too.
    """
    tags = {tag.strip() for tag in header.split(",")}
    return header.strip() == "*" or etag in tags or weak and f"W/{etag}" in tags


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the byte count that a Range header selects.

    Several ranges, other units and malformed headers are ignored, as the RFC allows.

    Args:
        header: Such as `bytes=0-99`, `bytes=100-` or `bytes=-5`.
        size: The file's size in bytes.

    Returns:
        First byte and count, or None for the whole file.

    Raises:
        RangeUnsatisfiable: The range is outside the file.
    """
    match = re.fullmatch(r"bytes=[ \t]*([0-9]{0,40})-([0-9]{0,40})[ \t]*", header, re.I)
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size - 1
        satisfiable = int(match[2]) > 0 and size > 0
    else:
        start, end = int(match[1]), min(int(match[2] or size), size - 1)
        if match[2] and int(match[2]) < start:
            return None
        satisfiable = start < size
    if not satisfiable:
        raise RangeUnsatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, end - start + 1


class FileSlice:
    """Part of a file, for a web server to read.

    It has no `fileno` on purpose: a server that uses `sendfile` would ignore the slice, and
    gevent's `sendfile` reads only 8 KiB at a time anyway.
    """

    def __init__(self, file: BinaryIO, start: int, count: int) -> None:
        self.file = file
        self.rest = count
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; empty at the slice's end."""
        piece = self.file.read(self.rest if size < 0 else min(size, self.rest))
        self.rest -= len(piece)
        return piece

    def close(self) -> None:
        self.file.close()

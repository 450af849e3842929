"""Byte ranges of GET (RFC 9110, section 14), and the slice of a file that they name."""

import re
from typing import BinaryIO

from uploads.errors import RangeUnsatisfiable


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the count that a Range header asks for.

    Several ranges, other units and malformed headers may be ignored, and are.

    Args:
        header: Such as `bytes=0-99`, `bytes=100-` or `bytes=-5`.
        size: Bytes in the file.

    Returns:
        First byte and count, or None where the whole file is to be sent.

    Raises:
        RangeUnsatisfiable: The file does not have these bytes.
    """
    match = re.fullmatch(r"bytes\s*=\s*([0-9]{0,19})-([0-9]{0,19})\s*", header, re.ASCII | re.I)
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
    """Part of a file, for servers that send a file by its descriptor and for those that read it."""

    def __init__(self, file: BinaryIO, start: int, count: int) -> None:
        self.file = file
        self.rest = count
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; empty at the slice's end."""
        piece = self.file.read(self.rest if size < 0 else min(size, self.rest))
        self.rest -= len(piece)
        return piece

    def fileno(self) -> int:
        """The file's descriptor, standing at the slice's first byte."""
        return self.file.fileno()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

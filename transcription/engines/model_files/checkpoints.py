"""Checks, without torch, whether a file can be a torch checkpoint.

They come from plain URLs without checksums, and a login page also has a name and a length.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import is_zipfile

SUFFIXES = (".pth", ".pt")
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
"""The first bytes of files that torch writes now, and of those that it wrote long ago."""


def is_whole(file: Path) -> bool:
    """Whether it begins like a checkpoint; a zip must also have its end."""
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(ZIP))
        return is_zipfile(file) if beginning == ZIP else beginning.startswith(PICKLE)
    except OSError:
        return False

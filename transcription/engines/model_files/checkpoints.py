"""Whether a file of torch's is one, as far as that can be seen without torch.

They come from plain addresses, which tell no checksum, and a page that asks for a login has a name
and a length, too.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import is_zipfile

SUFFIXES = (".pth", ".pt")
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
"""How files begin that torch writes now, and those that it wrote long ago."""


def is_whole(file: Path) -> bool:
    """Whether it begins like one of them; a zip must have its end as well."""
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(ZIP))
        return is_zipfile(file) if beginning == ZIP else beginning.startswith(PICKLE)
    except OSError:
        return False

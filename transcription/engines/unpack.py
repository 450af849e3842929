"""Unpacks a zip from the network: nothing leaves its folder, and nothing fills the disk."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from transcription.engines.addresses import FetchError

MOST_BYTES = 1 << 30
MOST_FILES = 20_000


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into a folder, then remove it.

    Raises:
        FetchError: It is no zip, or one that means harm.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _judge(members)
            for member in members:
                target = folder.joinpath(*_parts(member))
                if member.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as packed, target.open("wb") as out:
                    shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        archive.unlink()
        raise FetchError(f"{archive.name} is damaged: {error}.") from error
    archive.unlink()


def _judge(members: list[zipfile.ZipInfo]) -> None:
    """Look at all names and sizes before anything is written."""
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES or len(members) > MOST_FILES:
        raise FetchError(f"The zip would unpack to {len(members)} files of {total} bytes.")
    for member in members:
        _parts(member)


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path of a member below the folder.

    Raises:
        FetchError: It would lie elsewhere, or is a link.
    """
    path = PurePosixPath(member.filename.replace("\\", "/"))
    link = stat.S_ISLNK(member.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or ":" in member.filename:
        raise FetchError(f"The zip holds a file that would lie elsewhere: {member.filename!r}.")
    return path.parts

"""Unpacks a downloaded zip: no file leaves its folder, and it can't fill the disk."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from transcription.engines.model_files.locations import FetchError

DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError),
    *(RuntimeError, ValueError, LookupError),
)
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""Errors that the zip did not cause."""
MOST_BYTES = 1 << 30
MOST_FILES = 20_000


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a zip into a folder, then removes it.

    Raises:
        FetchError: It isn't a zip, or is malicious.
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
    except FetchError:
        _remove(archive, folder)
        raise
    except DAMAGES as error:
        _remove(archive, folder)
        raise FetchError(f"{archive.name} is damaged: {error}.") from error
    except OSError as error:
        _remove(archive, folder)
        if error.errno in OF_THE_DISK:
            raise
        raise FetchError(f"{archive.name} can't be unpacked: {error.strerror or error}.") from error
    archive.unlink()


def _remove(archive: Path, folder: Path) -> None:
    """Removes everything that would block the next try."""
    archive.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _judge(members: list[zipfile.ZipInfo]) -> None:
    """Checks all names and sizes before anything is written."""
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES or len(members) > MOST_FILES:
        raise FetchError(f"The zip would unpack to {len(members)} files of {total} bytes.")
    for member in members:
        _parts(member)


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path of a member below the folder.

    Raises:
        FetchError: It would be elsewhere, or is a link.
    """
    if not member.filename:  # would be the folder itself
        raise zipfile.BadZipFile("a file has no name")
    path = PurePosixPath(member.filename.replace("\\", "/"))
    link = stat.S_ISLNK(member.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or ":" in member.filename:
        raise FetchError(f"The zip has a file outside its folder: {member.filename!r}.")
    return path.parts

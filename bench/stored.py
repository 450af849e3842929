"""Checks whether a server really holds what it acknowledged. Every run does this."""

from collections.abc import Iterable
from pathlib import Path

from bench.payload import digest_of


class NotStored(Exception):
    """Acknowledged bytes are missing or wrong."""


def check_long(directory: Path, places: Iterable[str], size: int, digest: str | None) -> None:
    """Checks the files of long uploads, and removes them, so that each run has the same free
    memory.

    Args:
        directory: Where the server keeps its files, at any depth.
        places: The paths of the uploads; their last parts are in the files' names.
        size: The expected size of each, in bytes.
        digest: The expected SHA-256; None: only sizes are compared.

    Raises:
        NotStored: Something is missing or wrong.
    """
    for place in places:
        name = place.rstrip("/").rpartition("/")[2]
        found = [file for file in files(directory) if name in file.name and sized(file, size)]
        if not found:
            raise NotStored(f"no file of {size} bytes for {place}")
        if digest and digest_of(found[0]) != digest:
            raise NotStored(f"{found[0].name} holds other bytes than were sent")
        for file in found:
            file.unlink()


def check_short(
    directory: Path, aside: Path, size: int, count: int, content: bytes | None = None
) -> None:
    """Checks that at least `count` files of `size` bytes exist, all with this content if given.

    They are moved aside, not removed: when ext4 looks for an inode for a new file, it passes over
    each inode that was freed in the last minutes. After some ten thousand removals that was a third
    of the next server's CPU time.

    Args:
        directory: Where the server keeps its files, at any depth.
        aside: Where they go, on the same file system.
        size: The expected size of each, in bytes.
        count: The number of acknowledged uploads.
        content: The expected content of each.

    Raises:
        NotStored: There are fewer, or one has another content.
    """
    found = [file for file in files(directory) if sized(file, size)]
    if content is not None:
        found = [file for file in found if file.read_bytes() == content]
    if len(found) < count:
        raise NotStored(f"{count} uploads were acknowledged, {len(found)} files are right")
    put_aside(found, aside)


def put_aside(found: Iterable[Path], aside: Path) -> None:
    """Moves files or directories to a place where they are removed at the end."""
    place = aside / str(len(list(aside.iterdir())) if aside.is_dir() else 0)
    place.mkdir(parents=True)
    for number, file in enumerate(found):
        file.rename(place / str(number))


def files(directory: Path) -> Iterable[Path]:
    """All files below a directory."""
    return (file for file in directory.rglob("*") if file.is_file())


def sized(file: Path, size: int) -> bool:
    """Whether the file has this size; False if it is gone."""
    try:
        return file.stat().st_size == size
    except FileNotFoundError:
        return False

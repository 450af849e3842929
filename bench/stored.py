"""Whether a server really holds what it acknowledged. Every run looks."""

from collections.abc import Iterable
from pathlib import Path

from bench.payload import digest_of


class NotStored(Exception):
    """Bytes that were acknowledged are not there, or are others."""


def check_long(directory: Path, places: Iterable[str], size: int, digest: str | None) -> None:
    """Look at the files of long uploads, and remove them: each run finds the same free memory.

    Args:
        directory: Where the server keeps its files, at any depth.
        places: The paths of the uploads; their last parts are in the files' names.
        size: What each must hold, in bytes.
        digest: Its SHA-256; None: only sizes are compared.

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
    """Look that at least `count` files of `size` bytes are there, all with this content if given.

    They are put aside, not removed: ext4 passes over each inode that was freed in the last minutes
    when it looks for one for a new file. After some ten thousand removals that was a third of the
    CPU time of whoever came next.

    Args:
        directory: Where the server keeps its files, at any depth.
        aside: Where they go, on the same file system.
        size: What each must hold, in bytes.
        count: How many were acknowledged.
        content: What each must hold.

    Raises:
        NotStored: There are fewer, or one holds something else.
    """
    found = [file for file in files(directory) if sized(file, size)]
    if content is not None:
        found = [file for file in found if file.read_bytes() == content]
    if len(found) < count:
        raise NotStored(f"{count} uploads were acknowledged, {len(found)} files are right")
    put_aside(found, aside)


def put_aside(found: Iterable[Path], aside: Path) -> None:
    """Move files or directories to where they are removed at the end of all."""
    place = aside / str(len(list(aside.iterdir())) if aside.is_dir() else 0)
    place.mkdir(parents=True)
    for number, file in enumerate(found):
        file.rename(place / str(number))


def files(directory: Path) -> Iterable[Path]:
    """All files below a directory."""
    return (file for file in directory.rglob("*") if file.is_file())


def sized(file: Path, size: int) -> bool:
    """Whether the file has this size; a file that has just gone has not."""
    try:
        return file.stat().st_size == size
    except FileNotFoundError:
        return False

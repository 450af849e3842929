"""The files in which processes count, each in its own; a look at the figures adds them up.

They are named for processes, and outlive them: what an ended process has counted stays in the sums.
The next process goes on with the file of an ended one. Otherwise a server that restarts again and
again would leave more and more of them.
"""

import os
import re
from array import array
from pathlib import Path

import psutil
from django.conf import settings

FILE = re.compile(r"(\d+)\.counts")
FILE_BYTES = 4096
LOOKS = 5  # a new process may take over a file while they are read


def folder() -> Path:
    return Path(settings.METRICS_DIR)


def forget() -> None:
    """Removes all files, at a start of the site."""
    if folder().is_dir():
        for path in folder().iterdir():
            path.unlink(missing_ok=True)


def claim() -> Path:
    """The file of this process: that of an ended one, or a new one.

    Its blocks are allocated here, because a process that writes to a mapped file without any would
    be killed while the disk is full.

    Raises:
        OSError: The disk is full, or the folder can't be written.
    """
    folder().mkdir(mode=0o700, exist_ok=True)
    own = file_of(os.getpid())
    # An ended process may have had our number: then its file is ours already.
    if not own.exists() and not any(take_over(pid, own) for pid in ended_processes()):
        allocate(own)
    return own


def sums() -> list[float]:
    """What all processes have counted; empty if none has."""
    for _ in range(LOOKS):
        try:
            found = [array("d", path.read_bytes()) for path in folder().glob("*.counts")]
        except FileNotFoundError:  # it has another name by now
            continue
        return [sum(values) for values in zip(*found, strict=True)]
    return []


def ended_processes() -> list[int]:
    """The processes that have files here, and have ended."""
    found = (match for path in folder().iterdir() if (match := FILE.fullmatch(path.name)))
    return sorted(pid for match in found if not psutil.pid_exists(pid := int(match[1])))


def take_over(pid: int, own: Path) -> bool:
    """Renames the file of an ended process; False: another process was first."""
    try:
        os.rename(file_of(pid), own)
    except FileNotFoundError:
        return False
    return True


def allocate(path: Path) -> None:
    """Writes a file of zeros."""
    draft = path.with_suffix(".new")
    try:
        draft.write_bytes(bytes(FILE_BYTES))
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def file_of(pid: int) -> Path:
    return folder() / f"{pid}.counts"

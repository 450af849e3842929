"""The files in which processes count; prometheus_client maps them into memory and adds them up.

They are named for processes, and outlive them: what an ended process has counted stays in the sums,
so nothing has to be marked as dead. The next process goes on with the files of an ended one.
Otherwise a server that restarts again and again would leave more and more of them.
"""

import os
import re
from pathlib import Path

import psutil
from django.conf import settings

KINDS = ("counter", "histogram")
FILE = re.compile(r"(?:counter|histogram)_(\d+)\.db")
FILE_BYTES = 64 * 1024
"""Many times what all our counters need."""


def folder() -> Path:
    return Path(settings.METRICS_DIR)


def forget() -> None:
    """Removes all files, at a start of the site."""
    if folder().is_dir():
        for path in folder().iterdir():
            path.unlink(missing_ok=True)


def claim() -> None:
    """Takes over the files of an ended process, or makes new ones, for this process.

    Their blocks are allocated here, because a process that writes to a mapped file without any
    would be killed while the disk is full.

    Raises:
        OSError: The disk is full, or the folder can't be written.
    """
    folder().mkdir(mode=0o700, exist_ok=True)
    own = [file_of(kind, os.getpid()) for kind in KINDS]
    # An ended process may have had our number: then its files are ours already.
    if not any(path.exists() for path in own):
        any(take_over(pid) for pid in ended_processes())  # the first that nobody else took
    for path in own:
        if not path.exists():
            allocate(path)


def ended_processes() -> list[int]:
    """The processes that have files here, and have ended."""
    found = {int(match[1]) for path in folder().iterdir() if (match := FILE.fullmatch(path.name))}
    return sorted(pid for pid in found if not psutil.pid_exists(pid))


def take_over(pid: int) -> bool:
    """Renames the files of an ended process to ours; False: another process was first."""
    taken = False
    for kind in KINDS:
        try:
            os.rename(file_of(kind, pid), file_of(kind, os.getpid()))
        except FileNotFoundError:
            continue
        taken = True
    return taken


def allocate(path: Path) -> None:
    """Writes a file of zeros, which counts as empty."""
    draft = path.with_suffix(".new")
    try:
        draft.write_bytes(bytes(FILE_BYTES))
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def file_of(kind: str, pid: int) -> Path:
    """The file of a process, as prometheus_client names it."""
    return folder() / f"{kind}_{pid}.db"

"""Folders for decoded audio, removed after the run; also removes those that a killed process
left."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "decoded-"
FOREIGN_AGE = 48 * 3600.0
"""Seconds after which a folder of another host counts as abandoned."""


@contextmanager
def made(parent: str) -> Iterator[Path]:
    """A new folder within `parent` ("": the system's place for temporary files)."""
    place = Path(parent or tempfile.gettempdir())
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    folder = _folder(place)
    try:
        yield folder
    finally:
        _remove(folder)


def set_aside(file: Path) -> Path:
    """Moves a run's file to a folder of its own, which stays after the run; returns where it is."""
    return file.replace(_folder(file.parent.parent) / file.name)


def _folder(place: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{_host()}-{os.getpid()}-", dir=place))


def sweep(place: Path) -> int:
    """Removes what dead processes left in `place`; returns the number of folders."""
    removed = 0
    for folder in place.glob(f"{PREFIX}*"):
        if _left_behind(folder):
            _remove(folder)
            removed += 1
    return removed


def _left_behind(folder: Path) -> bool:
    import psutil

    match = re.fullmatch(rf"{PREFIX}(.+)-(\d+)-[^-]+", folder.name)
    if match and match[1] == _host():
        return not psutil.pid_exists(int(match[2]))
    try:
        return time.time() - folder.stat().st_mtime > FOREIGN_AGE
    except OSError:
        return False


def _remove(folder: Path) -> None:
    """Windows keeps files of a process that is just being killed, so try for a moment."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]+", "", socket.gethostname()) or "host"

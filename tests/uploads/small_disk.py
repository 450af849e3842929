"""A site whose database and uploads share one small disk, which tests fill to the last byte.

The disk is a tmpfs in a separate mount namespace: it is gone with the process that keeps it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import ROOT, Site, prepared
from tests.uploads.outages import NAMESPACE, can_mount

KEEP = 'mount -t tmpfs -o "$1" disk "$0" && echo mounted && exec sleep infinity'
ENTER = 'cd "$0" && exec "$@"'
MIB = 1024 * 1024


class SmallDisk:
    """One small disk, and the site on it (not started).

    Args:
        folder: Where it is mounted, for the site.
        options: Of the mount, such as `size=96m,nr_inodes=500`.
        environment: The site's settings.
    """

    def __init__(self, folder: Path, options: str, **environment: str) -> None:
        folder.mkdir()
        command = [*NAMESPACE, "sh", "-c", KEEP, str(folder), f"mode=0700,{options}"]
        self.keeper = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.keeper.stdout
        assert self.keeper.stdout.readline() == b"mounted\n"
        seen = Path(f"/proc/{self.keeper.pid}/root{folder}")
        shutil.copytree(prepared(), seen, dirs_exist_ok=True)
        self.site = Site(seen)
        self.site.environment |= {"DATA_DIR": str(folder), **environment}
        self.site.log = folder.with_suffix(".log")
        enter = ["nsenter", "--target", str(self.keeper.pid), "--mount"]
        self.site.prefix = [*enter, "sh", "-c", ENTER, str(ROOT)]

    @property
    def free(self) -> int:
        found = os.statvfs(self.site.data_dir)
        return found.f_bavail * found.f_frsize

    @contextmanager
    def full(self) -> Iterator[None]:
        """Takes every free byte."""
        filler = self.site.data_dir / "filler"
        self.fill(filler)
        try:
            yield
        finally:
            filler.unlink(missing_ok=True)

    def fill(self, filler: Path) -> None:
        """Lets this file take all free space; it may grow while others release some."""
        with filler.open("ab") as file, contextlib.suppress(OSError):
            while free := self.free:
                os.posix_fallocate(file.fileno(), file.tell(), free)
                file.seek(0, os.SEEK_END)
        assert self.free == 0

    @contextmanager
    def without_inodes(self) -> Iterator[None]:
        """Takes every inode; there are enough bytes."""
        folder = self.site.data_dir / "many"
        folder.mkdir()
        with contextlib.suppress(OSError):
            for number in range(10**6):
                (folder / str(number)).touch()
        assert os.statvfs(folder).f_ffree == 0
        try:
            yield
        finally:
            shutil.rmtree(folder)

    def end(self) -> None:
        """Stops the site, and releases the disk."""
        self.site.kill_everything()
        self.keeper.kill()
        self.keeper.wait()
        assert self.keeper.stdout
        self.keeper.stdout.close()


def mounting() -> None:
    """Skips, or fails in CI, if no disk can be mounted."""
    if can_mount():
        return
    problem = "run as root (or with CAP_SYS_ADMIN) to give the site a small disk of its own"
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(problem)

"""A store whose copying is slow, or finds no space, while a test requires it."""

import errno
from pathlib import Path
from typing import BinaryIO

from uploads.cooperative import pause
from uploads.stores.disk import DiskStore
from uploads.stores.disk_writing import DiskWriter

STEP = 64 * 1024


class ObedientStore(DiskStore):
    """Obeys the files `slow` and `full` in its directory."""

    def acquire_writer(self, name: str, offset: int, tentative: bool = False) -> DiskWriter:
        """Take the right to append."""
        writing = super().acquire_writer(name, offset, tentative)
        plain_copy = writing.copy

        def copy(source: BinaryIO, count: int) -> int:
            if Path(self.directory, "full").exists():
                raise OSError(errno.ENOSPC, "the test wants no room")
            if Path(self.directory, "slow").exists():
                pause(0.2)
                count = min(count, STEP)
            return plain_copy(source, count)

        writing.copy = copy  # type: ignore[method-assign]
        return writing

"""UPLOADS_MIN_FREE_SPACE, held while bytes come in: what was promised at creation may be more than
there is, and others fill the disk, too."""

from uploads.conf import conf
from uploads.errors import DiskFull
from uploads.services.error_mapping import map_store_errors
from uploads.stores.registry import store

LONGEST = 16 * 1024**2  # bytes between two looks at most: others write meanwhile
SHARE = 16  # of what may still be written: so many processes may take that much between two looks


class Gauge:
    """How many bytes this process may write before it must look again how full the disk is.

    One for all its requests: a thousand slow ones together write as much as a fast one.
    """

    def __init__(self) -> None:
        self.left = 0

    def take(self, count: int) -> None:
        """Ask for the next bytes before they are written.

        Raises:
            DiskFull: They would leave less than UPLOADS_MIN_FREE_SPACE.
        """
        self.left -= count
        if self.left < 0:
            self.look(count)

    def look(self, count: int) -> None:
        """Ask the disk itself; see `take`."""
        self.left = 0
        with map_store_errors():
            margin = store().free() - conf.UPLOADS_MIN_FREE_SPACE - count
        if margin < 0:
            raise DiskFull
        self.left = min(margin // SHARE, LONGEST)


gauge = Gauge()

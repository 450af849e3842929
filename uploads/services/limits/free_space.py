"""Keeps UPLOADS_MIN_FREE_SPACE while bytes arrive: uploads accepted earlier may promise more than
the disk has, and other programs write to it, too."""

from uploads.conf import conf
from uploads.errors import DiskFull
from uploads.services.error_mapping import map_store_errors
from uploads.stores.registry import store

LONGEST = 16 * 1024**2  # bytes between two checks at most: other programs write meanwhile
SHARE = 16  # of the writable space: this many processes may each use that much between two checks


class Gauge:
    """How many bytes this process may write before it must check the free space again.

    Shared by all requests: a thousand slow ones write as much as a fast one.
    """

    def __init__(self) -> None:
        self.left = 0

    def take(self, count: int) -> None:
        """Call before bytes are written.

        Raises:
            DiskFull: Less than UPLOADS_MIN_FREE_SPACE would remain.
        """
        self.left -= count
        if self.left < 0:
            self.look(count)

    def look(self, count: int) -> None:
        """Checks the disk; see `take`."""
        self.left = 0
        with map_store_errors():
            margin = store().free() - conf.UPLOADS_MIN_FREE_SPACE - count
        if margin < 0:
            raise DiskFull
        self.left = min(margin // SHARE, LONGEST)


gauge = Gauge()

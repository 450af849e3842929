"""Files that come to the site by another way than tus: a form's part, a download.

They end in the same rows and the same store. Until they are kept they are uploads that are being
received, so what a crash leaves of them expires like any other. A form reads its request's body by
`open_body`.
"""

from datetime import datetime

from django.utils import timezone

from uploads.bodies.base import Body
from uploads.bodies.registry import open_body
from uploads.errors import Gone
from uploads.models import Upload
from uploads.services import queries
from uploads.services.create import (
    LONGEST_NAME,
    CreationRequest,
    as_text,
    create_file,
    next_expiry,
    plain_name,
)
from uploads.services.error_mapping import map_store_errors
from uploads.services.length import check_length, check_size
from uploads.services.limits.free_space import gauge
from uploads.services.lookup import owner_id
from uploads.services.termination import refuse
from uploads.stores.registry import store

__all__ = ["Body", "CreationRequest", "DirectUpload", "open_body"]


class DirectUpload:
    """One file on its way into the store, written from its first byte to its last.

    Args:
        order: Who brings it; metadata and concatenation do not count.
        file_name: The client's name for it.
        file_type: The client's word on what it is.

    Raises:
        DiskFull: Less than UPLOADS_MIN_FREE_SPACE is free.
        Unavailable: The store failed.
    """

    def __init__(self, order: CreationRequest, file_name: str, file_type: str = "") -> None:
        check_length(0)
        self.size = 0
        self._ended = False
        self.upload = Upload(
            owner_id=owner_id(order.user),
            header_checked=True,
            file_name=plain_name(file_name.encode("utf-8", "replace")),
            file_type=as_text(file_type.encode("utf-8", "replace"))[:LONGEST_NAME],
            client_address=order.address[:64],
            client_agent=as_text(order.agent.encode("utf-8", "replace"))[:LONGEST_NAME],
            expires=next_expiry(timezone.now()),
            requests=1,
        )
        name = self.upload.id.hex
        with map_store_errors():
            create_file(self.upload)
            self._writing = store().acquire_writer(name, 0)
        queries.insert(self.upload)

    def write(self, data: bytes | memoryview) -> None:
        """Append to the file.

        Raises:
            TooLarge: It is longer than UPLOADS_MAX_SIZE.
            DiskFull: It would leave less than UPLOADS_MIN_FREE_SPACE.
            Unavailable, Gone: The store failed, or staff has ended the upload.
        """
        self.size += len(data)
        check_size(self.size)
        gauge.take(len(data))
        with map_store_errors():
            self._writing.write(data)

    def rename(self, file_name: str) -> None:
        """Call it otherwise than it came."""
        self.upload.file_name = plain_name(file_name.encode("utf-8", "replace"))
        Upload.objects.filter(pk=self.upload.pk).update(file_name=self.upload.file_name)

    def path(self) -> str:
        """Where its bytes lie, to be looked at before it is kept."""
        with map_store_errors():
            return store().path(self.upload.id.hex)

    def close(self) -> None:
        """No more bytes follow."""
        self._end()

    def keep(self, now: datetime | None = None) -> Upload:
        """Turn it into a finished upload, of which the site is not told: it knows.

        Call it in the transaction that notes what the file is for.

        Raises:
            Gone: It was ended meanwhile.
        """
        moment = now or timezone.now()
        self.upload.length = self.upload.offset = self.size
        changed = Upload.objects.filter(pk=self.upload.pk).update(length=self.size)
        if not changed or not queries.finish(self.upload, moment, None, moment):
            raise Gone
        self.upload.refresh_from_db()
        return self.upload

    def discard(self, reason: str) -> None:
        """The file is not wanted: its bytes go, its row tells staff why."""
        self._end()
        refuse(self.upload, reason)

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            with map_store_errors():
                self._writing.end()

"""Files that reach the site without tus: a form part, a download.

They use the same rows and store. Until they are kept they are RECEIVING, so whatever a crash leaves
expires like any other upload. A form reads its body by `open_body`.
"""

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
    plain_name,
)
from uploads.services.error_mapping import map_store_errors
from uploads.services.expiration import next_expiry
from uploads.services.finish import mark_finished
from uploads.services.limits.free_space import gauge
from uploads.services.limits.length import check_length, check_size
from uploads.services.lookup import owner_id
from uploads.services.termination import refuse
from uploads.stores.registry import store

__all__ = ["Body", "CreationRequest", "DirectUpload", "open_body"]


class DirectUpload:
    """One file being written to the store from start to end.

    Args:
        order: Its user and client; metadata and concatenation are ignored.
        file_name: The client's name for it.
        file_type: The media type that the client claims.

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
        """Appends to the file.

        Raises:
            TooLarge: The file exceeds UPLOADS_MAX_SIZE.
            DiskFull: Less than UPLOADS_MIN_FREE_SPACE would remain.
            Unavailable, Gone: The store failed, or staff ended the upload.
        """
        self.size += len(data)
        check_size(self.size)
        gauge.take(len(data))
        with map_store_errors():
            self._writing.write(data)

    def rename(self, file_name: str) -> None:
        """Changes the file's name."""
        self.upload.file_name = plain_name(file_name.encode("utf-8", "replace"))
        Upload.objects.filter(pk=self.upload.pk).update(file_name=self.upload.file_name)

    def path(self) -> str:
        """A local path, to inspect the file before it is kept."""
        with map_store_errors():
            return store().path(self.upload.id.hex)

    def close(self) -> None:
        self._end()

    def keep(self) -> Upload:
        """Turns it into a finished upload, without sending `upload_finished`.

        Call it in the transaction that records what the file is for.

        Raises:
            Gone: It was ended meanwhile.
        """
        now = timezone.now()
        self.upload.length = self.upload.offset = self.size
        self.upload.notified_at = now
        if not Upload.objects.filter(pk=self.upload.pk).update(length=self.size):
            raise Gone
        mark_finished(self.upload, now)
        self.upload.refresh_from_db()
        return self.upload

    def discard(self, reason: str) -> None:
        """Ends the upload and removes its bytes; the row keeps the reason."""
        self._end()
        refuse(self.upload, reason)

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            with map_store_errors():
                self._writing.end()

"""Saying later how long an upload is (tus: creation-defer-length)."""

from uploads.conf import conf
from uploads.errors import DiskFull, Malformed, TooLarge
from uploads.models import State, Upload
from uploads.services.faults import store_faults
from uploads.stores.registry import store


def check_length(length: int) -> None:
    """Refuse an upload that is too long for this server or its disk.

    Raises:
        TooLarge: Longer than UPLOADS_MAX_SIZE.
        DiskFull: It would leave less than UPLOADS_SPARE_DISK.
    """
    if length > conf.UPLOADS_MAX_SIZE:
        raise TooLarge(f"This server takes uploads of {conf.UPLOADS_MAX_SIZE} bytes at most.")
    with store_faults():
        if store().free() < length + conf.UPLOADS_SPARE_DISK:
            raise DiskFull


def declare_length(upload: Upload, length: int) -> None:
    """Set the length of an upload that was made without; it is set once.

    Raises:
        Malformed: It is set to another value already, or more bytes are held.
        TooLarge, DiskFull: See `check_length`.
    """
    if upload.length is None:
        check_length(length)
        with store_faults():
            if length < store().held(upload.id.hex):
                raise Malformed("Upload-Length is less than what was sent already.")
        Upload.objects.filter(pk=upload.pk, length=None, state=State.RECEIVING).update(
            length=length
        )
        upload.length = Upload.objects.values_list("length", flat=True).get(pk=upload.pk)
    if upload.length != length:
        raise Malformed("Upload-Length was set before, and cannot change.")

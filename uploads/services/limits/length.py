"""Declaring an upload's length after its creation (tus: creation-defer-length)."""

from uploads.conf import conf
from uploads.errors import BadRequest, DiskFull, OffsetConflict, TooLarge
from uploads.models import State, Upload
from uploads.services.error_mapping import map_store_errors
from uploads.stores.registry import store

FIXED = "Upload-Length is already set and can't change."


def check_length(length: int) -> None:
    """Refuses an upload that is too long for this server or its disk.

    Raises:
        TooLarge: Longer than UPLOADS_MAX_SIZE.
        DiskFull: Less than UPLOADS_MIN_FREE_SPACE would remain.
    """
    check_size(length)
    check_disk(length)


def check_size(length: int, accepted: int = 0) -> None:
    """Refuses an upload that is too long for this server.

    Args:
        length: In bytes.
        accepted: Bytes already held, which a lowered maximum doesn't refuse.

    Raises:
        TooLarge: Longer than UPLOADS_MAX_SIZE.
    """
    if length > max(conf.UPLOADS_MAX_SIZE, accepted):
        raise beyond_maximum()


def beyond_maximum() -> TooLarge:
    """The error with the maximum, for people and programs (Tus-Max-Size)."""
    longest = conf.UPLOADS_MAX_SIZE
    sentence = f"This server accepts uploads of at most {longest} bytes."
    return TooLarge(sentence, {"Tus-Max-Size": str(longest)})


def check_disk(count: int) -> None:
    """Refuses bytes that would leave less than UPLOADS_MIN_FREE_SPACE."""
    with map_store_errors():
        if store().free() < count + conf.UPLOADS_MIN_FREE_SPACE:
            raise DiskFull


def declare_length(upload: Upload, length: int, offset: int) -> None:
    """Sets the deferred length on this request's copy of the upload.

    `keep_length` writes it to the row, so that a request refused later changes nothing.

    Args:
        upload: The copy; its length may be set already.
        length: In bytes.
        offset: The upload's offset according to the request.

    Raises:
        OffsetConflict: The offset differs.
        BadRequest: The length is already another one, or more bytes are held.
        TooLarge, DiskFull: See `check_size`, `check_disk`.
    """
    if upload.length is None:
        if store().held(upload.id.hex) != offset:
            raise OffsetConflict
        check_size(length, accepted=offset)
        check_disk(length - offset)
        if length < offset:
            raise BadRequest("Upload-Length is smaller than the bytes already received.")
        upload.length = length
    if upload.length != length:
        raise BadRequest(FIXED)


def keep_length(upload: Upload) -> None:
    """Writes the declared length to the row; it is set only once.

    Raises:
        BadRequest: Another request has set another length.
    """
    unset = Upload.objects.filter(pk=upload.pk, length=None, state=State.RECEIVING)
    if unset.update(length=upload.length):
        return
    known = Upload.objects.filter(pk=upload.pk).values_list("length", flat=True).first()
    if known is not None and known != upload.length:
        raise BadRequest(FIXED)

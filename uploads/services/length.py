"""Saying later how long an upload is (tus: creation-defer-length)."""

from uploads.conf import conf
from uploads.errors import BadRequest, DiskFull, OffsetConflict, TooLarge
from uploads.models import State, Upload
from uploads.services.error_mapping import map_store_errors
from uploads.stores.registry import store

FIXED = "Upload-Length was set before, and cannot change."


def check_length(length: int) -> None:
    """Refuse an upload that is too long for this server or its disk.

    Raises:
        TooLarge: Longer than UPLOADS_MAX_SIZE.
        DiskFull: It would leave less than UPLOADS_MIN_FREE_SPACE.
    """
    check_size(length)
    check_disk(length)


def check_size(length: int, accepted: int = 0) -> None:
    """Refuse an upload that is too long for this server.

    Args:
        length: Bytes in all.
        accepted: Bytes that are held: a maximum that was lowered since does not refuse them.

    Raises:
        TooLarge: Longer than UPLOADS_MAX_SIZE.
    """
    if length > max(conf.UPLOADS_MAX_SIZE, accepted):
        raise beyond_maximum()


def beyond_maximum() -> TooLarge:
    """The refusal that tells the maximum, to people and to programs."""
    longest = conf.UPLOADS_MAX_SIZE
    sentence = f"This server takes uploads of {longest} bytes at most."
    return TooLarge(sentence, {"Tus-Max-Size": str(longest)})


def check_disk(count: int) -> None:
    """Refuse bytes that would leave less than UPLOADS_MIN_FREE_SPACE free."""
    with map_store_errors():
        if store().free() < count + conf.UPLOADS_MIN_FREE_SPACE:
            raise DiskFull


def declare_length(upload: Upload, length: int, offset: int) -> None:
    """Give this request's copy of an upload that was made without length the one now said.

    The row learns it by `keep_length`: a request that is refused later changes nothing.

    Args:
        upload: The copy; its length may have been set before.
        length: Bytes in all.
        offset: Where the request believes the upload stands.

    Raises:
        OffsetConflict: It stands elsewhere.
        BadRequest: The length is set to another value already, or more bytes are held.
        TooLarge, DiskFull: See `check_size`, `check_disk`.
    """
    if upload.length is None:
        if store().held(upload.id.hex) != offset:
            raise OffsetConflict
        check_size(length, accepted=offset)
        check_disk(length - offset)
        if length < offset:
            raise BadRequest("Upload-Length is less than what was sent already.")
        upload.length = length
    if upload.length != length:
        raise BadRequest(FIXED)


def keep_length(upload: Upload) -> None:
    """Write down the length that this request declared; it is set once.

    Raises:
        BadRequest: Another request was first, with another length.
    """
    unset = Upload.objects.filter(pk=upload.pk, length=None, state=State.RECEIVING)
    if unset.update(length=upload.length):
        return
    known = Upload.objects.filter(pk=upload.pk).values_list("length", flat=True).first()
    if known is not None and known != upload.length:
        raise BadRequest(FIXED)

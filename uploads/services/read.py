"""An upload's offset and metadata, and the bytes of a finished upload."""

from datetime import timedelta
from typing import BinaryIO

from django.utils import timezone

from uploads.errors import Gone, NotFound, OffsetConflict
from uploads.http.protocol import parse_metadata
from uploads.models import State, Upload
from uploads.services.concatenate import learn_length, parts_of, refuse_without_part
from uploads.services.error_mapping import map_store_errors
from uploads.services.finish import announce_once, finish, finish_final, head_of
from uploads.services.maintenance.store_identity import identity_problem
from uploads.stores.base import Missing
from uploads.stores.registry import store

LEFT_AFTER = timedelta(seconds=10)  # a join without progress for this time has died


def acknowledged_offset(upload: Upload) -> int:
    """The bytes held, which stays true until another request writes (tus: HEAD).

    Never waits. A request that is still writing is superseded. An upload that has all its bytes but
    was not finished (after a crash) is finished here.

    Raises:
        UploadError: The bytes are lost, refused, or unavailable.
    """
    if upload.state == State.FINISHED:
        check_not_lost(upload)
        announce_once(upload)
        return upload.length or 0
    with map_store_errors():
        held = store().fence_and_get_offset(upload.id.hex)
    if held == upload.length:
        finish(upload)
    return held


def is_joined(final: Upload) -> bool:
    """Whether a final upload is finished; its length is set as soon as it is known.

    Does not disturb a join in progress; resumes one that a crash interrupted.

    Raises:
        UploadError: The site does not want the joined upload, or the store failed.
    """
    if final.state == State.FINISHED:
        return True
    if timezone.now() - final.last_activity < LEFT_AFTER:
        parts = parts_of(final)
        refuse_without_part(final, parts)
        learn_length(final, parts)
        return False
    try:
        return finish_final(final)
    except OffsetConflict:
        return False  # another request resumes it


def metadata_of(upload: Upload) -> dict[str, bytes]:
    """The upload's metadata (tus: Upload-Metadata), in order."""
    return parse_metadata(upload.metadata)


def first_bytes(upload: Upload) -> bytes | None:
    """The first HEAD_BYTES of a finished upload, or all if fewer; None: the store has lost them.

    Raises:
        OSError: The store is unavailable.
    """
    try:
        return head_of(upload)
    except Missing:
        return None


def open_finished(upload: Upload) -> BinaryIO:
    if upload.state != State.FINISHED:
        raise NotFound("This upload isn't finished.")
    check_not_lost(upload)
    with map_store_errors():
        return store().open(upload.id.hex)


def check_not_lost(upload: Upload) -> None:
    """Raises if the cleanup found that bytes are lost.

    Raises:
        Gone: Bytes are lost.
    """
    if upload.lost:
        raise Gone("Bytes of this upload were lost on the server. Upload the file again.")


def path_of(upload: Upload) -> str | None:
    """A local path to a finished upload's bytes; None if the store has lost them.

    Raises:
        OSError: The store is unavailable, or belongs to another database.
    """
    if upload.lost:
        return None
    try:
        return store().path(upload.id.hex)
    except Missing as problem:
        if identity := identity_problem():
            raise OSError(identity.reason) from problem
        return None

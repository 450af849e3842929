"""Where an upload stands, what its client said of it, and the bytes of a finished one."""

from typing import BinaryIO

from uploads.errors import Gone, NotFound
from uploads.http.protocol import parse_metadata
from uploads.models import State, Upload
from uploads.services.concatenate import complete
from uploads.services.error_mapping import map_store_errors
from uploads.services.finish import announce_once, head_of
from uploads.services.maintenance.store_identity import identity_problem
from uploads.stores.base import Missing
from uploads.stores.registry import store


def acknowledged_offset(upload: Upload) -> int:
    """The bytes held, which stays true until somebody takes over (tus: HEAD).

    Never waits. Where a request is still writing, it loses its right to. An upload that has all its
    bytes without being finished (a crash came between) is finished here.

    Raises:
        UploadError: The bytes are gone, refused, or out of reach.
    """
    if upload.state == State.FINISHED:
        check_not_lost(upload)
        announce_once(upload)
        return upload.length or 0
    with map_store_errors():
        held = store().fence_and_get_offset(upload.id.hex)
    if held == upload.length:
        complete(upload)
    return held


def metadata_of(upload: Upload) -> dict[str, bytes]:
    """What its client said of it (tus: Upload-Metadata), in its order."""
    return parse_metadata(upload.metadata)


def first_bytes(upload: Upload) -> bytes | None:
    """HEAD_BYTES of a finished upload, or all where it is shorter; None: the store has lost them.

    Raises:
        OSError: The store is out of reach.
    """
    try:
        return head_of(upload)
    except Missing:
        return None


def open_finished(upload: Upload) -> BinaryIO:
    """The bytes of a finished upload.

    Raises:
        NotFound: It is not finished.
    """
    if upload.state != State.FINISHED:
        raise NotFound("This upload is not finished.")
    check_not_lost(upload)
    with map_store_errors():
        return store().open(upload.id.hex)


def check_not_lost(upload: Upload) -> None:
    """Refuse to pass for whole what the cleanup found to be lost.

    Raises:
        Gone: It is.
    """
    if upload.lost:
        raise Gone("Bytes of this upload were lost on the server. Upload the file again.")


def path_of(upload: Upload) -> str | None:
    """A local path to a finished upload's bytes; None where the store has lost them.

    Raises:
        OSError: The store is out of reach, or another database's.
    """
    if upload.lost:
        return None
    try:
        return store().path(upload.id.hex)
    except Missing as problem:
        if identity := identity_problem():
            raise OSError(identity.reason) from problem
        return None

"""Completion: one `finish` for plain uploads, parts, joined uploads and those that a crash left.

Exactly once, whatever clients repeat and whenever a crash happens.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from uploads.errors import Gone, Refused, UploadError
from uploads.hooks import hooks
from uploads.models import Concat, State, Upload
from uploads.services import queries
from uploads.services.activity import log_context
from uploads.services.concatenate import copy_parts, learn_length, parts_of, refuse_without_part
from uploads.services.error_mapping import map_store_errors
from uploads.services.expiration import next_expiry, shorten_parts
from uploads.services.termination import refuse
from uploads.signals import upload_finished
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

HEAD_BYTES = 512


def finish(upload: Upload, requests: int = 0) -> None:
    """Marks an upload whose bytes are all held as finished, and notifies all that wait for it.

    Safe to repeat at any time, in any number of processes: one of them changes the row. After a
    crash in between, the next HEAD or cleanup calls it again.

    Args:
        upload: All its bytes are held.
        requests: Added to its number of requests.

    Raises:
        Refused: The hook refused the first bytes, which a crash had kept it from checking.
        Gone: The upload ended meanwhile.
        UploadError: The store failed.
    """
    if not upload.header_checked:
        with map_store_errors():
            head = head_of(upload)
        check_header(upload, head)
    with map_store_errors():
        store().secure(upload.id.hex)  # a crash may have stopped the request that wrote them
    mark_finished(upload, timezone.now(), requests)
    if upload.concat == Concat.PARTIAL:
        finish_finals_of(upload)
    else:
        announce_once(upload)


def head_of(upload: Upload, size: int = HEAD_BYTES) -> bytes:
    """The first bytes held, at most HEAD_BYTES."""
    if upload.head is not None:
        return upload.head[:size]
    with store().open(upload.id.hex) as file:
        return file.read(min(size, HEAD_BYTES))


def check_header(upload: Upload, head: bytes) -> None:
    """Lets the site's hook check the first bytes; an upload that it refuses ends.

    Raises:
        Refused: The hook refused them.
    """
    try:
        hooks().check_header(upload, head)
    except Refused as refusal:
        refuse(upload, refusal.message)
        raise


def mark_finished(upload: Upload, now: datetime, requests: int = 0) -> None:
    """Marks the row as finished, unless another process has.

    Raises:
        Gone: The upload ended meanwhile.
    """
    is_part = upload.concat == Concat.PARTIAL  # the site isn't notified of parts
    if is_part or (upload.notified_at is None and not hooks().should_notify(upload)):
        upload.notified_at = now
    expires = next_expiry(now) if is_part else None
    changed = queries.finish(upload, now, expires, upload.notified_at, requests)
    if not changed and not Upload.objects.filter(pk=upload.pk, state=State.FINISHED).exists():
        raise Gone
    upload.state, upload.expires = State.FINISHED, expires


def finish_finals_of(part: Upload) -> None:
    """Joins the final uploads that waited for this part, if they are now complete."""
    waiting = Upload.objects.filter(
        parts__part=part, state=State.RECEIVING, concat=Concat.FINAL
    ).distinct()
    for final in waiting:
        with log_context.about(upload_id=final.id.hex):
            try:
                finish_final(final)
            except UploadError as refusal:  # not the fault of the client that sent the part
                logger.warning("%s couldn't be joined: %s", final.id, refusal.message)


def finish_final(final: Upload) -> bool:
    """Joins the parts of a final upload if all are finished, and finishes it.

    Safe to repeat: a second caller takes over from the first.

    Returns:
        Whether it is finished now.

    Raises:
        OffsetConflict: Another request has taken over.
        Gone: One of the parts has ended.
        UploadError: The site does not want the joined upload, or the store failed.
    """
    if final.state == State.FINISHED:
        return True
    parts = parts_of(final)
    refuse_without_part(final, parts)
    learn_length(final, parts)
    if not parts or any(part.state != State.FINISHED for part in parts):
        return False
    copy_parts(final, parts)
    finish(final)
    shorten_parts(parts)
    return True


def announce_once(upload: Upload) -> None:
    """Notifies the site of a finished upload, unless this copy of the row says that it was.

    A crash may have come in between, or another request may be doing the same: the client's
    response must name the result in any case, and receivers are repeatable.
    """
    if upload.notified_at is None:
        transaction.on_commit(lambda: notify_finished(upload))


def notify_finished(upload: Upload) -> None:
    """Sends `upload_finished` and records that all receivers returned.

    After a crash, or if a receiver fails, the next cleanup sends it again.
    """
    failed = False
    with log_context.about(upload_id=upload.id.hex):
        for receiver, outcome in upload_finished.send_robust(
            Upload, upload_id=upload.id, upload=upload
        ):
            if isinstance(outcome, Exception):
                failed = True
                logger.error(
                    "%s failed for upload %s; it will be called again",
                    receiver,
                    upload.id,
                    exc_info=outcome,
                )
    if not failed:
        upload.notified_at = timezone.now()
        queries.mark_notified(upload, upload.notified_at)

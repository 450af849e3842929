"""Completion: exactly once, whatever clients repeat and whenever a crash happens."""

import logging

from django.db import transaction
from django.utils import timezone

from uploads.errors import Gone, Refused
from uploads.hooks import hooks
from uploads.models import Concat, State, Upload
from uploads.services import queries
from uploads.services.create import next_expiry
from uploads.services.error_mapping import map_store_errors
from uploads.services.termination import refuse
from uploads.signals import upload_finished
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

HEAD_BYTES = 512


def head_of(upload: Upload, size: int = HEAD_BYTES) -> bytes:
    """The first bytes held, at most HEAD_BYTES."""
    if upload.head is not None:
        return upload.head[:size]
    with store().open(upload.id.hex) as file:
        return file.read(min(size, HEAD_BYTES))


def finish(upload: Upload, requests: int = 0) -> None:
    """Marks an upload whose bytes are all held as finished, and notifies the site once.

    Safe to repeat at any time, in any number of processes: one of them changes the row.

    Args:
        upload: All its bytes are held.
        requests: Added to its number of requests.

    Raises:
        Refused: The hook refused the first bytes, which a crash had kept it from checking.
        Gone: The upload ended meanwhile.
    """
    if not upload.header_checked:
        with map_store_errors():
            head = head_of(upload)
        try:
            hooks().check_header(upload, head)
        except Refused as refusal:
            refuse(upload, refusal.message)
            raise
    with map_store_errors():
        store().secure(upload.id.hex)  # a crash may have stopped the request that wrote them
    now = timezone.now()
    if upload.concat == Concat.PARTIAL:
        expires, upload.notified_at = next_expiry(now), now  # the site isn't notified of parts
    else:
        expires = None
        if upload.notified_at is None and not hooks().should_notify(upload):
            upload.notified_at = now
    changed = queries.finish(upload, now, expires, upload.notified_at, requests)
    if not changed and not Upload.objects.filter(pk=upload.pk, state=State.FINISHED).exists():
        raise Gone
    upload.state, upload.expires = State.FINISHED, expires
    announce_once(upload)


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

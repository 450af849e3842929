"""Ends an upload other than by finishing it: terminated, refused, expired."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.dispatch import Signal
from django.utils import timezone

from uploads.errors import NotFound
from uploads.models import Concat, State, Upload
from uploads.services.activity import log_context
from uploads.services.error_mapping import is_disk_full
from uploads.services.maintenance import ballast
from uploads.services.maintenance.store_identity import may_remove
from uploads.services.maintenance.trim import without_long_headers
from uploads.signals import upload_expired, upload_terminated
from uploads.stores.registry import store

logger = logging.getLogger(__name__)


def terminate(upload: Upload) -> int:
    """Ends an upload, even a finished one, and removes its bytes (tus: termination).

    A request that is still writing is superseded.

    Returns:
        The bytes freed.

    Raises:
        NotFound: It had already ended.
    """
    freed = _end(upload, State.TERMINATED, (State.RECEIVING, State.FINISHED))
    if freed is None:
        raise NotFound
    announce_end(upload_terminated, upload)
    return freed


def abort_creation(upload: Upload) -> None:
    """Ends an upload whose creation failed midway: its client never gets the URL and creates
    another. Were it finished later, there would be two."""
    if upload.state == State.REFUSED:
        return
    try:
        with suppress(NotFound):
            terminate(upload)
    except DatabaseError:
        logger.warning(
            "%s can't be ended now; it has no bytes and will expire",
            upload.id,
            extra={"upload_id": upload.id.hex},
        )
        with suppress(OSError):
            store().remove(upload.id.hex)


def refuse(upload: Upload, reason: str) -> None:
    """Ends an upload that the site refused, and removes its bytes."""
    _end(upload, State.REFUSED, (State.RECEIVING,), failure=reason)


def expire(upload: Upload, now: datetime | None = None, reason: str = "") -> int | None:
    """Ends an abandoned upload and removes its bytes (tus: expiration).

    Args:
        upload: An upload that is being received.
        now: Only end it if it expires by then; None: in any case.
        reason: Shown to staff.

    Returns:
        The bytes freed; None if nothing was done: bytes arrived meanwhile, or it had ended.
    """
    overdue = {"expires__lte": now} if now else {}
    # Parts also expire when finished; other finished uploads never do.
    among = (State.RECEIVING, State.FINISHED)[: 1 + (upload.concat == Concat.PARTIAL)]
    freed = _end(upload, State.EXPIRED, among, overdue, failure=reason)
    if freed is not None:
        announce_end(upload_expired, upload)
    return freed


def _end(
    upload: Upload,
    state: State,
    among: Iterable[State],
    conditions: dict[str, Any] | None = None,
    failure: str | None = None,
) -> int | None:
    """Changes the row to an end state and removes the bytes.

    Returns:
        The bytes freed; None if the row was not in a matching state.
    """
    ballast.make_room()
    row = Upload.objects.filter(pk=upload.pk, state__in=among, **(conditions or {}))
    reason = {} if failure is None else {"failure": failure}
    changes = {"state": state, "last_activity": timezone.now(), "expires": None, **reason}
    changes |= without_long_headers(upload)
    freed = 0
    try:
        changed = row.update(**changes)
    except DatabaseError as problem:
        if not is_disk_full(problem) or transaction.get_connection().in_atomic_block:
            raise
        # The disk has no space to record the end: the bytes go first, which frees some. If that is
        # not
        # enough, HEAD answers that they are gone, and the next cleanup ends the row.
        ballast.release()
        freed = free_bytes(upload) or 0 if row.exists() else 0
        changed = row.update(**changes)
    if not changed:
        return None
    upload.state = state
    return freed + delete_bytes(upload)


def delete_bytes(upload: Upload) -> int:
    """Deletes the stored bytes; if that fails, the next cleanup tries again."""
    freed = free_bytes(upload)
    if freed is None:
        return 0
    try:
        Upload.objects.filter(pk=upload.pk).update(has_bytes=False)
    except DatabaseError as problem:  # the upload has ended: an error must not suggest otherwise
        if transaction.get_connection().in_atomic_block:
            raise
        logger.warning(
            "the row of %s can't be updated after its bytes were removed: %s",
            upload.id,
            problem,
            extra={"upload_id": upload.id.hex},
        )
    else:
        upload.has_bytes = False
    return freed


def free_bytes(upload: Upload) -> int | None:
    """Removes the bytes; returns their number, or None if the store failed."""
    if not may_remove():
        return None
    try:
        return store().remove(upload.id.hex)
    except OSError as problem:
        logger.warning(
            "the bytes of %s can't be removed yet: %s",
            upload.id,
            problem,
            extra={"upload_id": upload.id.hex},
        )
        return None


def announce_end(signal: Signal, upload: Upload) -> None:
    """Sends `upload_ended` after the transaction is committed."""

    def send() -> None:
        with log_context.about(upload_id=upload.id.hex):
            for receiver, outcome in signal.send_robust(Upload, upload_id=upload.id):
                if isinstance(outcome, Exception):
                    logger.error("%s failed for upload %s", receiver, upload.id, exc_info=outcome)

    transaction.on_commit(send)

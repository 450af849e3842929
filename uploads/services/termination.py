"""Ends of an upload other than completion: terminated, refused, expired."""

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
from uploads.services.create import next_expiry
from uploads.services.error_mapping import is_disk_full
from uploads.services.maintenance import ballast
from uploads.services.maintenance.store_identity import may_remove
from uploads.services.maintenance.trim import without_long_headers
from uploads.signals import upload_expired, upload_terminated
from uploads.stores.registry import store

logger = logging.getLogger(__name__)


def terminate(upload: Upload) -> int:
    """End an upload, also a finished one, and remove its bytes (tus: termination).

    A request that is still writing loses its right to.

    Returns:
        The bytes freed.

    Raises:
        NotFound: It had ended already.
    """
    freed = _end(upload, State.TERMINATED, (State.RECEIVING, State.FINISHED))
    if freed is None:
        raise NotFound
    announce_end(upload_terminated, upload)
    return freed


def abort_creation(upload: Upload) -> None:
    """End an upload whose making failed midway: its client never learns the address, and makes
    another. Were it finished later, there would be two."""
    if upload.state == State.REFUSED:
        return
    try:
        with suppress(NotFound):
            terminate(upload)
    except DatabaseError:
        logger.warning("%s cannot be ended now; without bytes nobody will finish it", upload.id)
        with suppress(OSError):
            store().remove(upload.id.hex)


def refuse(upload: Upload, reason: str) -> None:
    """End an upload that the site does not want, and remove its bytes."""
    _end(upload, State.REFUSED, (State.RECEIVING,), failure=reason)


def expire(upload: Upload, now: datetime | None = None, reason: str = "") -> int | None:
    """End an upload that nobody goes on with, and remove its bytes (tus: expiration).

    Args:
        upload: Being received.
        now: Only if it expires by then; absent: in any case.
        reason: What staff shall read.

    Returns:
        The bytes freed, or None where it lives on: something arrived meanwhile, or it has ended.
    """
    overdue = {"expires__lte": now} if now else {}
    # Parts expire also when they are finished; other finished uploads never do.
    among = (State.RECEIVING, State.FINISHED)[: 1 + (upload.concat == Concat.PARTIAL)]
    freed = _end(upload, State.EXPIRED, among, overdue, failure=reason)
    if freed is not None:
        announce_end(upload_expired, upload)
    return freed


def extend(upload: Upload) -> bool:
    """Give an unfinished upload its full time again, from now.

    Returns:
        Whether it was still unfinished.
    """
    changed = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING).update(
        expires=next_expiry(timezone.now())
    )
    return bool(changed)


def _end(
    upload: Upload,
    state: State,
    among: Iterable[State],
    conditions: dict[str, Any] | None = None,
    failure: str | None = None,
) -> int | None:
    """Turn the row into an ended one, and remove the bytes.

    Returns:
        The bytes freed; None where the row is not among those meant (any more).
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
        # The row has no room to say so: its bytes go first, and give it some. Should even that not
        # do, HEAD tells that they are gone, and the next cleanup ends the row.
        ballast.release()
        freed = free_bytes(upload) or 0 if row.exists() else 0
        changed = row.update(**changes)
    if not changed:
        return None
    upload.state = state
    return freed + remove_bytes(upload)


def remove_bytes(upload: Upload) -> int:
    """Remove what the store holds; what cannot be removed now, the next cleanup tries again."""
    freed = free_bytes(upload)
    if freed is None:
        return 0
    try:
        Upload.objects.filter(pk=upload.pk).update(has_bytes=False)
    except DatabaseError as problem:  # the upload has ended, so nobody must hear that it has not
        if transaction.get_connection().in_atomic_block:
            raise
        logger.warning(
            "the row of %s cannot be told that its bytes are gone: %s", upload.id, problem
        )
    else:
        upload.has_bytes = False
    return freed


def free_bytes(upload: Upload) -> int | None:
    """Remove the bytes; returns how many, or None where the store cannot do it now."""
    if not may_remove():
        return None
    try:
        return store().remove(upload.id.hex)
    except OSError as problem:
        logger.warning("the bytes of %s cannot be removed yet: %s", upload.id, problem)
        return None


def announce_end(signal: Signal, upload: Upload) -> None:
    """Tell the site, once the transaction is committed, that an upload has ended."""

    def send() -> None:
        for receiver, outcome in signal.send_robust(Upload, upload_id=upload.id):
            if isinstance(outcome, Exception):
                logger.error("%s failed for upload %s", receiver, upload.id, exc_info=outcome)

    transaction.on_commit(send)

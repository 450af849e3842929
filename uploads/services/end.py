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
    ended = _end(upload, State.TERMINATED, (State.RECEIVING, State.FINISHED))
    if not ended:
        raise NotFound
    freed = remove_bytes(upload)
    _tell(upload_terminated, upload)
    return freed


def give_up(upload: Upload) -> None:
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
    if _end(upload, State.REFUSED, (State.RECEIVING,), failure=reason):
        remove_bytes(upload)


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
    if not _end(upload, State.EXPIRED, among, overdue, failure=reason):
        return None
    freed = remove_bytes(upload)
    _tell(upload_expired, upload)
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
) -> bool:
    changes = {} if failure is None else {"failure": failure}
    changed = Upload.objects.filter(pk=upload.pk, state__in=among, **(conditions or {})).update(
        state=state, last_activity=timezone.now(), expires=None, **changes
    )
    if changed:
        upload.state = state
    return bool(changed)


def remove_bytes(upload: Upload) -> int:
    """Remove what the store holds; what cannot be removed now, the next cleanup tries again."""
    try:
        freed = store().remove(upload.id.hex)
    except OSError as problem:
        logger.warning("the bytes of %s cannot be removed yet: %s", upload.id, problem)
        return 0
    try:
        Upload.objects.filter(pk=upload.pk).update(has_bytes=False)
    except DatabaseError as problem:  # the upload has ended, so nobody must hear that it has not
        if transaction.get_connection().in_atomic_block:
            raise
        logger.warning(
            "the row of %s cannot be told that its bytes are gone: %s", upload.id, problem
        )
    return freed


def _tell(signal: Signal, upload: Upload) -> None:
    def send() -> None:
        for receiver, outcome in signal.send_robust(Upload, upload_id=upload.id):
            if isinstance(outcome, Exception):
                logger.error("%s failed for upload %s", receiver, upload.id, exc_info=outcome)

    transaction.on_commit(send)

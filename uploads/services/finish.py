"""Completion: exactly once, whatever clients repeat and wherever a crash falls."""

import logging

from django.db import transaction
from django.utils import timezone

from uploads.errors import Gone, Refused
from uploads.hooks import hooks
from uploads.models import State, Upload
from uploads.services.end import refuse
from uploads.signals import upload_finished
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

HEAD_BYTES = 512


def head_of(upload: Upload, size: int = HEAD_BYTES) -> bytes:
    """The first bytes held, HEAD_BYTES at most."""
    with store().open(upload.id.hex) as file:
        return file.read(min(size, HEAD_BYTES))


def finish(upload: Upload) -> None:
    """Turn an upload whose bytes are all held into a finished one, and tell the site once.

    Safe to repeat at any time, by any number of processes: one of them changes the row.

    Raises:
        Refused: The hook had not seen the first bytes (a crash came first) and does not want them.
        Gone: The upload ended meanwhile.
    """
    if not upload.judged:
        try:
            hooks().judge_head(upload, head_of(upload))
        except Refused as refusal:
            refuse(upload, refusal.message)
            raise
    now = timezone.now()
    changed = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING).update(
        state=State.FINISHED,
        offset=upload.length,
        judged=True,
        finished=now,
        last_activity=now,
        expires=None,
        failure="",
    )
    if not changed and not Upload.objects.filter(pk=upload.pk, state=State.FINISHED).exists():
        raise Gone
    upload.state, upload.expires = State.FINISHED, None
    if changed:
        transaction.on_commit(lambda: announce(upload))


def announce(upload: Upload) -> None:
    """Tell the site of a finished upload, and note that it knows.

    A crash before the note, or a receiver that fails, makes the next cleanup tell it again.
    """
    failed = False
    for receiver, outcome in upload_finished.send_robust(Upload, upload_id=upload.id):
        if isinstance(outcome, Exception):
            failed = True
            logger.error(
                "%s could not take upload %s; it is told again",
                receiver,
                upload.id,
                exc_info=outcome,
            )
    if not failed:
        Upload.objects.filter(pk=upload.pk).update(announced=timezone.now())

"""Taking bytes (tus: core, PATCH). Never locked: a newer request takes over, see `stores.base`."""

import time

from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from uploads.bodies import Body
from uploads.conf import conf
from uploads.errors import Gone, OffsetConflict, Refused, TooLarge, TooSlow
from uploads.hooks import hooks
from uploads.models import State, Upload
from uploads.services.create import next_expiry
from uploads.services.end import refuse
from uploads.services.faults import store_faults
from uploads.services.finish import HEAD_BYTES, announce_once, finish, head_of
from uploads.stores.base import Superseded, Writing
from uploads.stores.registry import store

NOTE_PROGRESS_EVERY = 1.0  # seconds between writes of the live offset into the row


def append(upload: Upload, offset: int, body: Body) -> int:
    """Append the body's bytes at `offset`, and finish the upload where it is complete.

    A body that is cut off keeps what arrived. Whoever else was writing loses the right to.

    Args:
        upload: Being received, or finished (then only an empty body fits).
        offset: Where the client believes the upload stands, in bytes.
        body: The bytes.

    Returns:
        The offset after it, in bytes: acknowledged, so held.

    Raises:
        OffsetConflict: The upload stands elsewhere, or a newer request took over.
        TooLarge: The body goes beyond the upload's length; nothing of it is kept.
        Refused: The site's hook does not want these first bytes; the upload has ended.
        Gone: The upload ended meanwhile.
        Unavailable: The store or its disk failed; what arrived is kept.
    """
    length = upload.length or 0
    room = length - offset
    if upload.state == State.FINISHED:
        return append_nothing(upload, room, body)
    with store_faults():
        if room < 0 or (body.length or 0) > room:
            if store().held(upload.id.hex) != offset:
                raise OffsetConflict
            raise TooLarge("The body goes beyond the upload's length.")
        writing = store().take(upload.id.hex, offset)
        try:
            receive(upload, writing, body, offset)
            if conf.UPLOADS_DURABILITY == "power":
                writing.secure()
        finally:
            try:
                note_request(upload, writing.offset, body)
            finally:
                writing.end()
    if writing.offset == length:
        finish(upload)
    elif upload.state != State.RECEIVING:
        raise Gone
    if body.idle:
        raise TooSlow
    return writing.offset


def append_nothing(upload: Upload, room: int, body: Body) -> int:
    """The answer to a request on a finished upload: the last answer may have been lost."""
    if room != 0:
        raise OffsetConflict
    if body.length or body.length is None and body.read():
        raise TooLarge("This upload is finished; it takes no more bytes.")
    announce_once(upload)
    return upload.length or 0


def receive(upload: Upload, writing: Writing, body: Body, start: int) -> None:
    """Move the body into the store, one buffer at a time."""
    length = upload.length or 0
    noted = time.monotonic()
    while piece := body.read():
        if writing.offset + len(piece) > length:  # only where no length was announced
            writing.withdraw(start)
            upload.judged = upload.judged and start >= HEAD_BYTES  # other bytes may come there
            raise TooLarge("The body goes beyond the upload's length.")
        if not upload.judged:
            judge(upload, writing.offset, bytes(piece[:HEAD_BYTES]), len(piece))
        writing.write(piece)
        if time.monotonic() - noted > NOTE_PROGRESS_EVERY:
            noted = time.monotonic()
            note_progress(upload, writing.offset)


def judge(upload: Upload, offset: int, piece: bytes, size: int) -> None:
    """Let the hook look at the first bytes before they are kept, as soon as there are enough.

    Args:
        upload: Not judged yet.
        offset: Bytes held already.
        piece: The start of the bytes that come next.
        size: How many come next, in bytes.
    """
    if offset + size < min(HEAD_BYTES, upload.length or 0):
        return
    head = (head_of(upload, offset) if offset else b"") + piece
    try:
        hooks().judge_head(upload, head[:HEAD_BYTES])
    except Refused as refusal:
        refuse(upload, refusal.message)
        raise
    upload.judged = True


def note_progress(upload: Upload, offset: int) -> None:
    """Tell people who look at the row how far a running request is, and that it lives."""
    now = timezone.now()
    still = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING).update(
        offset=Greatest(F("offset"), Value(offset)),
        last_activity=now,
        expires=next_expiry(now),
        judged=upload.judged,
    )
    if not still:
        raise Superseded


def note_request(upload: Upload, offset: int, body: Body) -> None:
    """Write down what a request brought. Offsets only grow, also where it was overtaken."""
    now = timezone.now()
    interrupted = body.cut
    failure = "The body brought no byte for too long." if body.idle else "The body was cut off."
    changes = {"failure": failure} if interrupted else {}
    upload.expires = next_expiry(now)
    still = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING).update(
        offset=Greatest(F("offset"), Value(offset)),
        last_activity=now,
        expires=upload.expires,
        requests=F("requests") + 1,
        interruptions=F("interruptions") + int(interrupted),
        judged=upload.judged,
        **changes,
    )
    if not still and upload.state == State.RECEIVING:
        now_in = Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).first()
        upload.state = now_in or State.TERMINATED

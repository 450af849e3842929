"""Receives bytes (tus: core, PATCH). No locks: a newer request takes over, see `stores.base`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError
from django.utils import timezone

from uploads.conf import conf
from uploads.errors import (
    BadFraming,
    BadRequest,
    ChecksumMismatch,
    Forbidden,
    Gone,
    OffsetConflict,
    RequestTimeout,
    Superseded,
    TooLarge,
)
from uploads.models import Concat, State, Upload
from uploads.services import queries
from uploads.services.activity.timeline import Visit, with_visit
from uploads.services.error_mapping import map_store_errors
from uploads.services.expiration import extend_finals_of, next_expiry
from uploads.services.finish import HEAD_BYTES, announce_once, check_header, finish, head_of
from uploads.services.incoming import IncomingBytes, verify, verify_nothing
from uploads.services.limits.free_space import gauge
from uploads.services.limits.length import FIXED, beyond_maximum, declare_length, keep_length
from uploads.stores.base import Removed, Writer, WriterSuperseded
from uploads.stores.pipe import Piece, Pipe
from uploads.stores.registry import store

NOTE_PROGRESS_EVERY = 1.0  # seconds between writes of the current offset to the row
# With more bodies at the same time, each writes less often: a thousand of them, each once a second,
# took two fifths of the CPU time.
NOTED_A_SECOND = 100
NOTE_PROGRESS_WITHIN = 10.0
bodies: set[int] = set()  # bodies that this process is receiving now


def append(upload: Upload, delivery: IncomingBytes) -> int:
    """Appends a request's bytes, and finishes the upload if it is complete.

    A cut body keeps what arrived, unless it has a checksum. Another request that was writing is
    superseded.

    Returns:
        The new offset in bytes, which the client may rely on.

    Raises:
        OffsetConflict: The upload has another offset, or a newer request took over.
        TooLarge: The body exceeds the upload's length; nothing of it is kept.
        ChecksumMismatch: The bytes don't match; none of them are kept.
        Refused: The site's hook refused the first bytes; the upload has ended.
        BadRequest: The declared length contradicts an earlier one.
        Forbidden: It is a final upload, which accepts no bytes.
        Gone: The upload ended meanwhile.
        RequestTimeout: The body sent nothing for too long; what arrived is kept.
        BadFraming: Its chunks are malformed; earlier bytes are kept, unless it has a checksum.
        DiskFull: UPLOADS_MIN_FREE_SPACE is reached; what arrived is kept.
        Unavailable: The store or its disk failed; what arrived is kept.
    """
    if upload.concat == Concat.FINAL:
        raise Forbidden
    if upload.state == State.FINISHED:
        return append_nothing(upload, delivery)
    with map_store_errors():
        unset = upload.length is None
        if delivery.length is not None:
            declare_length(upload, delivery.length, delivery.offset)
        check_room(upload, delivery)
        queries.release_connection()
        writing = store().acquire_writer(upload.id.hex, delivery.offset, delivery.tentative)
        answers = True
        try:
            with nothing_kept_if_refused(upload, writing, delivery):
                receive(upload, writing, delivery)
                if unset and delivery.length is not None:
                    keep_length(upload)
        except DatabaseError:
            answers = False  # stays true for a while: the client need not wait for it twice
            raise
        finally:
            try:
                if answers and delivery.held != upload.length:
                    note_request(upload, delivery)
            finally:
                ruled = writing.end()
    if delivery.held == upload.length:
        upload.timeline = timeline_with(upload, delivery)
        finish(upload, requests=1)
    elif upload.state not in (State.RECEIVING, State.FINISHED):  # else complete
        raise Gone
    if delivery.body.idle:
        raise RequestTimeout if ruled else Superseded
    if delivery.body.malformed and delivery.held != upload.length:
        raise BadFraming
    return delivery.held


def append_nothing(upload: Upload, delivery: IncomingBytes) -> int:
    """The response to a request on a finished upload, whose last response may have been lost."""
    if delivery.offset != upload.length:
        raise OffsetConflict
    if delivery.length not in (None, upload.length):
        raise BadRequest(FIXED)
    if delivery.body.length or delivery.body.length is None and delivery.body.read():
        raise TooLarge("This upload is finished; it accepts no more bytes.")
    verify_nothing(delivery)
    announce_once(upload)
    return upload.length


def room_of(upload: Upload, held: int = 0) -> int:
    """The upload's byte limit; the maximum may have been lowered below the bytes already held."""
    return max(conf.UPLOADS_MAX_SIZE, held) if upload.length is None else upload.length


def too_much(upload: Upload) -> TooLarge:
    if upload.length is None:
        return beyond_maximum()
    return TooLarge("The body exceeds the upload's length.")


def check_room(upload: Upload, delivery: IncomingBytes) -> None:
    """Refuses bytes that don't fit, before another request is superseded."""
    room = room_of(upload, delivery.offset) - delivery.offset
    if room < 0 or (delivery.body.length or 0) > room:
        if store().held(upload.id.hex) != delivery.offset:
            raise OffsetConflict
        raise too_much(upload)


def receive(upload: Upload, writing: Writer, delivery: IncomingBytes) -> None:
    """Writes the body to the store, one buffer at a time, and verifies it."""
    bodies.add(id(delivery))
    try:
        receive_pieces(upload, writing, delivery)
    finally:
        bodies.discard(id(delivery))
    if not delivery.body.cut:
        verify(upload, writing, delivery)
    try:
        writing.secure()
    except OSError:  # the kernel reports a failed write-back only once
        take_back(upload, writing, delivery)
        raise


def receive_pieces(upload: Upload, writing: Writer, delivery: IncomingBytes) -> None:
    """Writes the body to the store, and shows its progress in the row."""
    room = room_of(upload, delivery.offset)
    noted = time.monotonic()
    while len(piece := next_piece(upload, delivery)):
        if writing.offset + len(piece) > room:  # only without a declared length
            raise too_much(upload)
        if not upload.header_checked and not isinstance(piece, Pipe):
            check_as_soon_as_enough(upload, writing.offset, bytes(piece[:HEAD_BYTES]), len(piece))
        gauge.take(len(piece))
        try:
            writing.write(piece)
        finally:
            if not delivery.tentative:
                delivery.held = writing.offset
        if delivery.sum and not isinstance(piece, Pipe):
            delivery.sum.update(piece)
        if time.monotonic() - noted > seconds_between_notes():
            noted = time.monotonic()
            note_progress(upload, delivery)


def seconds_between_notes() -> float:
    """Seconds between two writes of one upload's progress; grows with the bodies in progress."""
    # Each write also extends the expiration: several must fit into that time.
    longest = min(NOTE_PROGRESS_WITHIN, conf.UPLOADS_EXPIRE_AFTER / 3)
    return max(NOTE_PROGRESS_EVERY, min(len(bodies) / NOTED_A_SECOND, longest))


def next_piece(upload: Upload, delivery: IncomingBytes) -> Piece:
    """The next bytes; they may stay in the kernel if no check needs to read them."""
    if upload.header_checked and not delivery.tentative:
        return delivery.body.read_zero_copy()
    return delivery.body.read()


@contextmanager
def nothing_kept_if_refused(
    upload: Upload, writing: Writer, delivery: IncomingBytes
) -> Iterator[None]:
    """Withdraws a request's bytes if it is refused as a whole."""
    try:
        yield
    except (TooLarge, BadRequest, ChecksumMismatch):
        take_back(upload, writing, delivery)
        raise


def take_back(upload: Upload, writing: Writer, delivery: IncomingBytes) -> None:
    """Restores the bytes held before this request."""
    writing.withdraw(delivery.offset)
    delivery.held = delivery.offset
    if delivery.offset < HEAD_BYTES:  # other bytes may follow there; parts are never checked
        upload.header_checked, upload.head = upload.concat == Concat.PARTIAL, None


def check_as_soon_as_enough(upload: Upload, offset: int, piece: bytes, size: int) -> None:
    """Lets the hook check the first bytes as soon as there are enough, before they are kept.

    Args:
        upload: Not checked yet.
        offset: Bytes held already.
        piece: The start of the next bytes.
        size: The number of next bytes.
    """
    if offset + size < min(HEAD_BYTES, room_of(upload)):
        return
    head = (head_of(upload, offset) if offset else b"") + piece
    check_header(upload, head[:HEAD_BYTES])
    upload.header_checked, upload.head = True, head[:HEAD_BYTES]


def header_checked_with(upload: Upload, held: int) -> bool:
    """Whether the bytes that were checked are among those held.

    Bytes are checked before they are written. Those of a superseded request, or without their
    checksum, were checked and then discarded.
    """
    enough = HEAD_BYTES if upload.length is None else min(HEAD_BYTES, upload.length)
    return upload.header_checked and (upload.concat == Concat.PARTIAL or held >= enough)


def note_progress(upload: Upload, delivery: IncomingBytes) -> None:
    """Writes a running request's progress to the row, and extends the expiration."""
    held = delivery.held
    now = timezone.now()
    expires = next_expiry(now)
    checked, timeline = header_checked_with(upload, held), timeline_with(upload, delivery)
    if not queries.record_progress(upload, held, now, expires, checked, timeline):
        look_again(upload)
        raise WriterSuperseded if upload.state == State.FINISHED else Removed
    if upload.concat == Concat.PARTIAL:
        extend_finals_of(upload, expires)
    queries.release_connection()


def note_request(upload: Upload, delivery: IncomingBytes) -> None:
    """Records what a request brought. Offsets only grow, even if it was superseded."""
    body = delivery.body
    failure = "The body sent no bytes for too long." if body.idle else "The body was cut off."
    now = timezone.now()
    upload.expires = next_expiry(now)
    still = queries.record_progress(
        upload,
        delivery.held,
        now,
        upload.expires,
        header_checked_with(upload, delivery.held),
        timeline_with(upload, delivery, failure if body.cut else ""),
        requests=1,
        interruptions=int(body.cut),
        failure=failure if body.cut else "",
    )
    if upload.concat == Concat.PARTIAL:
        extend_finals_of(upload, upload.expires)
    if not still and upload.state == State.RECEIVING:
        look_again(upload)


def timeline_with(upload: Upload, delivery: IncomingBytes, cut: str = "") -> str:
    """The upload's timeline with this request, as far as it is."""
    size = delivery.held - delivery.offset
    if not size and not cut:
        return upload.timeline
    visit = Visit(delivery.begun, time.time(), delivery.address[:64], delivery.held, size, cut=cut)
    return with_visit(upload.timeline, visit)


def look_again(upload: Upload) -> None:
    """Updates this request's copy of the row if the upload is finished or has ended."""
    state = Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).first()
    upload.state = state or State.TERMINATED

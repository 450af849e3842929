"""Taking bytes (tus: core, PATCH). Never locked: a newer request takes over, see `stores.base`."""

import time
from dataclasses import dataclass

from django.utils import timezone

from uploads.bodies import Body
from uploads.checksums import ALGORITHMS, parse_checksum
from uploads.conf import conf
from uploads.errors import (
    ChecksumMismatch,
    Forbidden,
    Gone,
    Malformed,
    OffsetConflict,
    Refused,
    TooLarge,
    TooSlow,
)
from uploads.hooks import hooks
from uploads.models import Concat, State, Upload
from uploads.services import rows
from uploads.services.concatenate import complete
from uploads.services.create import next_expiry
from uploads.services.end import refuse
from uploads.services.faults import store_faults
from uploads.services.finish import HEAD_BYTES, announce_once, head_of
from uploads.stores.base import Superseded, Writing
from uploads.stores.registry import store

NOTE_PROGRESS_EVERY = 1.0  # seconds between writes of the live offset into the row


@dataclass
class Delivery:
    """What one request brings.

    Attributes:
        offset: Where the client believes the upload stands, in bytes.
        body: The bytes.
        checksum: Upload-Checksum as it was sent, or an empty text.
        checksum_follows: Whether it comes in the trailer instead.
        held: Bytes that are held and count, as the request goes on.
    """

    offset: int
    body: Body
    checksum: str = ""
    checksum_follows: bool = False
    held: int = 0

    def __post_init__(self) -> None:
        self.held = self.offset
        if self.checksum and self.checksum_follows:
            raise Malformed("Send Upload-Checksum as a header or as a trailer, not as both.")
        self.expected = parse_checksum(self.checksum) if self.checksum else None
        self.sum = ALGORITHMS[self.expected[0]]() if self.expected else None

    @property
    def tentative(self) -> bool:
        """Whether the bytes count only once their checksum is right."""
        return bool(self.checksum or self.checksum_follows)


def append(upload: Upload, delivery: Delivery) -> int:
    """Append a request's bytes, and finish the upload where it is complete.

    A body that is cut off keeps what arrived, unless it has a checksum. Whoever else was writing
    loses the right to.

    Returns:
        The offset after it, in bytes: acknowledged, so held.

    Raises:
        OffsetConflict: The upload stands elsewhere, or a newer request took over.
        TooLarge: The body goes beyond the upload's length; nothing of it is kept.
        ChecksumMismatch: The bytes are not what they should be; nothing of them is kept.
        Refused: The site's hook does not want these first bytes; the upload has ended.
        Forbidden: It is a final upload, which has no bytes of its own.
        Gone: The upload ended meanwhile.
        Unavailable: The store or its disk failed; what arrived is kept.
    """
    if upload.concat == Concat.FINAL:
        raise Forbidden
    if upload.state == State.FINISHED:
        return append_nothing(upload, delivery)
    with store_faults():
        check_room(upload, delivery)
        rows.let_go()
        writing = store().take(upload.id.hex, delivery.offset, delivery.tentative)
        try:
            receive(upload, writing, delivery)
        finally:
            try:
                if delivery.held != upload.length:
                    note_request(upload, delivery)
            finally:
                writing.end()
    if delivery.held == upload.length:
        complete(upload, requests=1)
    elif upload.state != State.RECEIVING:
        raise Gone
    if delivery.body.idle:
        raise TooSlow
    return delivery.held


def append_nothing(upload: Upload, delivery: Delivery) -> int:
    """The answer to a request on a finished upload: the last answer may have been lost."""
    if delivery.offset != upload.length:
        raise OffsetConflict
    if delivery.body.length or delivery.body.length is None and delivery.body.read():
        raise TooLarge("This upload is finished; it takes no more bytes.")
    announce_once(upload)
    return upload.length


def room_of(upload: Upload) -> int:
    """Bytes that the upload may have in all."""
    return conf.UPLOADS_MAX_SIZE if upload.length is None else upload.length


def check_room(upload: Upload, delivery: Delivery) -> None:
    """Refuse what does not fit before anybody loses a right."""
    room = room_of(upload) - delivery.offset
    if room < 0 or (delivery.body.length or 0) > room:
        if store().held(upload.id.hex) != delivery.offset:
            raise OffsetConflict
        raise TooLarge("The body goes beyond the upload's length.")


def receive(upload: Upload, writing: Writing, delivery: Delivery) -> None:
    """Move the body into the store, one buffer at a time, and look that it is right."""
    room, body = room_of(upload), delivery.body
    noted = time.monotonic()
    while piece := body.read():
        if writing.offset + len(piece) > room:  # only where no length was announced
            writing.withdraw(delivery.offset)
            delivery.held = delivery.offset
            upload.judged = upload.judged and delivery.offset >= HEAD_BYTES  # others may come there
            raise TooLarge("The body goes beyond the upload's length.")
        if not upload.judged:
            judge(upload, writing.offset, bytes(piece[:HEAD_BYTES]), len(piece))
        try:
            writing.write(piece)
        finally:
            if not delivery.tentative:
                delivery.held = writing.offset
        if delivery.sum:
            delivery.sum.update(piece)
        if time.monotonic() - noted > NOTE_PROGRESS_EVERY:
            noted = time.monotonic()
            note_progress(upload, delivery.held)
    if delivery.tentative and not body.cut:
        verify(upload, writing, delivery)
    if conf.UPLOADS_DURABILITY == "power":
        writing.secure()


def verify(upload: Upload, writing: Writing, delivery: Delivery) -> None:
    """Let tentative bytes count if their checksum is right (tus: checksum, checksum-trailer)."""
    if delivery.checksum_follows:
        trailer = delivery.body.trailer("Upload-Checksum")
        if trailer is None:
            raise Malformed("The trailer Upload-Checksum was announced and did not come.")
        delivery.expected = parse_checksum(trailer)
        delivery.sum = ALGORITHMS[delivery.expected[0]]()
        with store().open(upload.id.hex) as file:  # which algorithm, is only known now
            file.seek(delivery.offset)
            while piece := file.read(min(1 << 20, writing.offset - file.tell())):
                delivery.sum.update(piece)
    if delivery.sum and delivery.expected and delivery.sum.digest() != delivery.expected[1]:
        upload.judged = upload.judged and delivery.offset >= HEAD_BYTES
        raise ChecksumMismatch
    writing.accept()
    delivery.held = writing.offset


def judge(upload: Upload, offset: int, piece: bytes, size: int) -> None:
    """Let the hook look at the first bytes before they are kept, as soon as there are enough.

    Args:
        upload: Not judged yet.
        offset: Bytes held already.
        piece: The start of the bytes that come next.
        size: How many come next, in bytes.
    """
    if offset + size < min(HEAD_BYTES, room_of(upload)):
        return
    head = (head_of(upload, offset) if offset else b"") + piece
    try:
        hooks().judge_head(upload, head[:HEAD_BYTES])
    except Refused as refusal:
        refuse(upload, refusal.message)
        raise
    upload.judged = True


def note_progress(upload: Upload, held: int) -> None:
    """Tell people who look at the row how far a running request is, and that it lives."""
    now = timezone.now()
    if not rows.note(upload, held, now, next_expiry(now)):
        raise Superseded


def note_request(upload: Upload, delivery: Delivery) -> None:
    """Write down what a request brought. Offsets only grow, also where it was overtaken."""
    body = delivery.body
    failure = "The body brought no byte for too long." if body.idle else "The body was cut off."
    now = timezone.now()
    upload.expires = next_expiry(now)
    still = rows.note(
        upload,
        delivery.held,
        now,
        upload.expires,
        requests=1,
        interruptions=int(body.cut),
        failure=failure if body.cut else "",
    )
    if not still and upload.state == State.RECEIVING:
        now_in = Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).first()
        upload.state = now_in or State.TERMINATED

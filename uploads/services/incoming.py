"""The bytes of one request, and their verification (tus: checksum)."""

import time
from dataclasses import dataclass, field

from uploads.bodies.base import Body
from uploads.cooperative import let_others_in
from uploads.errors import BadRequest, ChecksumMismatch
from uploads.http.checksums import ALGORITHMS, Sum, parse_checksum
from uploads.models import Upload
from uploads.stores.base import Writer, WriterSuperseded
from uploads.stores.registry import store

READ_BYTES = 1024 * 1024
NO_TRAILER = "The declared trailer Upload-Checksum is missing."


@dataclass
class IncomingBytes:
    """The bytes of one request.

    Attributes:
        offset: The upload's offset according to the client, in bytes.
        body: The reader of the bytes.
        length: The upload's length, if this request declares it.
        checksum: Upload-Checksum as it was sent.
        checksum_follows: Whether it is declared as a trailer instead.
        address: The client's, for staff.
        begun: When the request began; seconds since 1970.
        tentative: Whether the bytes count only after their checksum is verified.
        held: The upload's offset as the request progresses.
        expected: The checksum's algorithm and value.
        sum: The running checksum, if the algorithm is known from the start.
    """

    offset: int
    body: Body
    length: int | None = None
    checksum: str | None = None
    checksum_follows: bool = False
    address: str = ""
    begun: float = field(default_factory=time.time)
    tentative: bool = field(init=False)
    held: int = field(init=False)
    expected: tuple[str, bytes] | None = field(init=False, default=None)
    sum: Sum | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.held = self.offset
        self.tentative = self.checksum is not None or self.checksum_follows
        if self.checksum is not None:
            if self.checksum_follows:
                raise BadRequest("Send Upload-Checksum as a header or as a trailer, not as both.")
            self.expected = parse_checksum(self.checksum)
            self.sum = ALGORITHMS[self.expected[0]]()


def verify(upload: Upload, writing: Writer, delivery: IncomingBytes) -> None:
    """Accepts the bytes if their checksum is right (tus: checksum, checksum-trailer).

    Raises:
        ChecksumMismatch: It is wrong.
        BadRequest: The trailer is malformed, or was declared and is missing.
    """
    # RFC 9110, section 6.6.2: the Trailer header should declare it, but need not.
    trailer = delivery.body.trailer("Upload-Checksum") if delivery.expected is None else None
    if trailer is not None:
        delivery.expected = parse_checksum(trailer)
        delivery.sum = _sum_of_written(upload, writing, delivery)
    if delivery.expected and delivery.sum:
        if delivery.sum.digest() != delivery.expected[1]:
            raise ChecksumMismatch
    elif delivery.tentative:
        raise BadRequest(NO_TRAILER)
    if delivery.tentative:
        writing.accept()
        delivery.held = writing.offset


def verify_nothing(delivery: IncomingBytes) -> None:
    """Verifies the checksum of a request without bytes.

    Raises:
        ChecksumMismatch, BadRequest: See `verify`.
    """
    trailer = delivery.body.trailer("Upload-Checksum") if delivery.expected is None else None
    expected = delivery.expected if trailer is None else parse_checksum(trailer)
    if expected is None and delivery.tentative:
        raise BadRequest(NO_TRAILER)
    if expected is not None and ALGORITHMS[expected[0]]().digest() != expected[1]:
        raise ChecksumMismatch


def _sum_of_written(upload: Upload, writing: Writer, delivery: IncomingBytes) -> Sum:
    """Reads the request's bytes again, because only the trailer named the algorithm."""
    assert delivery.expected
    made = ALGORITHMS[delivery.expected[0]]()
    with store().open(upload.id.hex) as file:
        file.seek(delivery.offset)
        while piece := file.read(min(READ_BYTES, writing.offset - file.tell())):
            made.update(piece)
            let_others_in()
        if file.tell() < writing.offset:
            raise WriterSuperseded  # the tentative bytes are gone
    return made

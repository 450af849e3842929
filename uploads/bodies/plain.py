"""Bodies from any WSGI server: `wsgi.input`, up to CONTENT_LENGTH or the end the server tells."""

from typing import Any

from uploads.errors import LengthRequired

PLAIN_BYTES = 64 * 1024  # a plain server delivers no byte before so many are there


class PlainBody:
    """See `uploads.bodies.base.Body`."""

    def __init__(self, environ: dict[str, Any], length: int | None) -> None:
        if length is None and not environ.get("wsgi.input_terminated"):
            raise LengthRequired
        self.length = length
        self.cut = False
        self.idle = False
        self.malformed = False
        self.discarded = False
        self.input = environ["wsgi.input"]
        self.rest = length
        self.ahead = b""

    def is_empty(self) -> bool:
        """Whether no byte comes."""
        if self.length is None:
            self.ahead = self.ahead or self.read()
            return not self.ahead
        return not self.length

    def read(self) -> bytes:
        """The next piece."""
        if self.ahead:
            ahead, self.ahead = self.ahead, b""
            return ahead
        size = PLAIN_BYTES if self.rest is None else min(PLAIN_BYTES, self.rest)
        if not size:
            return b""
        try:
            piece: bytes = self.input.read(size)
        except OSError:  # the client went away, which some servers say so
            self.cut = True
            return b""
        if self.rest is not None:
            self.rest -= len(piece)
            self.cut = not piece
        return piece

    read_zero_copy = read

    def trailer(self, name: str) -> str | None:
        """These servers do not tell trailers."""
        return None

    def discard(self, close_connection: bool = False) -> None:
        """These servers settle the rest of a body themselves."""

    def drain(self) -> None:
        """Nothing can be done once the server has the answer."""

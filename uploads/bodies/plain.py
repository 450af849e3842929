"""Bodies from any WSGI server: `wsgi.input` up to CONTENT_LENGTH, or to the end it signals."""

from typing import Any

from uploads.errors import LengthRequired

PLAIN_BYTES = 64 * 1024  # some servers deliver nothing until this much is there


class PlainBody:
    """Implements `uploads.bodies.base.Body`."""

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
        if self.length is None:
            self.ahead = self.ahead or self.read()
            return not self.ahead
        return not self.length

    def read(self) -> bytes:
        if self.ahead:
            ahead, self.ahead = self.ahead, b""
            return ahead
        size = PLAIN_BYTES if self.rest is None else min(PLAIN_BYTES, self.rest)
        if not size:
            return b""
        try:
            piece: bytes = self.input.read(size)
        except OSError:  # some servers raise when the client disconnects
            self.cut = True
            return b""
        if self.rest is not None:
            self.rest -= len(piece)
            self.cut = not piece
        return piece

    read_zero_copy = read

    def trailer(self, name: str) -> str | None:
        """Plain WSGI has no trailers."""
        return None

    def discard(self, close_connection: bool = False) -> None:
        """The server handles the unread rest itself."""

    def drain(self) -> None:
        """Nothing to do after the server has the response."""

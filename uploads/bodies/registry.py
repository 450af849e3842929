"""Which reader a request's body gets: one line for each server that has one of its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uploads.bodies.base import Body
from uploads.bodies.gunicorn_chunked import GunicornChunkedBody
from uploads.bodies.gunicorn_connection import on_gevent
from uploads.bodies.gunicorn_length import GunicornBody
from uploads.bodies.plain import PlainBody
from uploads.errors import BadRequest, UploadError

Environ = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """A reader that knows the inside of one server.

    Attributes:
        name: For the log.
        serves: Whether the server that made this WSGI environment is its own.
        kind: The class of the server's own reader, by module and name: what the request's is.
        open: Makes the body.
        trailers: Whether it tells trailers.
    """

    name: str
    serves: Callable[[Environ], bool]
    kind: tuple[str, str]
    open: Callable[[Environ, Any], Body]
    trailers: bool = False

    def fits(self, environ: Environ) -> bool:
        """Whether it can read the body of this request."""
        found = type(getattr(environ.get("wsgi.input"), "reader", None))
        return self.serves(environ) and (found.__module__, found.__name__) == self.kind


def on_gunicorn(environ: Environ) -> bool:
    """Whether gunicorn made this environment."""
    return "gunicorn.socket" in environ


IN_GUNICORN = "gunicorn.http.body"
LENGTH = Reader("gunicorn's length", on_gevent, (IN_GUNICORN, "LengthReader"), GunicornBody)
CHUNKED = Reader(
    "gunicorn's chunked", on_gunicorn, (IN_GUNICORN, "ChunkedReader"), GunicornChunkedBody, True
)
READERS = (LENGTH, CHUNKED)
disabled_readers: set[Reader] = set()  # those that failed their test at the start of this process


def open_body(environ: Environ) -> Body:
    """The reader that fits the server which made this WSGI environment, else the plain one.

    Raises:
        LengthRequired: The body is chunked and the server does not tell where it ends.
        BadRequest: Content-Length is no number; most servers see to that themselves.
    """
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    length = None if chunked else _announced(environ.get("CONTENT_LENGTH") or "0")
    for reader in READERS:
        if reader not in disabled_readers and reader.fits(environ):
            return reader.open(environ, length)
    return PlainBody(environ, length)


def discard_body(environ: Environ, close_connection: bool = False) -> Body | None:
    """Give up a body that nobody has read, so that the client gets to see the answer.

    A server that reads the rest away before the next request would not let the others in meanwhile.

    Args:
        environ: The request's.
        closes: Also where so little is unread that the connection would be kept.

    Returns:
        The body, whose `drain` is due when the answer is out; None where nobody knows its end.
    """
    try:
        body = open_body(environ)
    except UploadError:
        return None
    body.discard(close_connection)
    return body


def _announced(length: str) -> int:
    # More digits than any upload has are no error of the header's: the body is too long, then.
    if not re.fullmatch("[0-9]{1,99}", length):
        raise BadRequest("Content-Length must be a whole number of bytes.")
    return int(length)


def is_coded(environ: Environ) -> bool:
    """Whether the body is packed in a way that is not undone here, such as gzip."""
    codings = environ.get("HTTP_TRANSFER_ENCODING", "").lower().split(",")
    return not {coding.strip() for coding in codings} <= {"", "chunked", "identity"}


def tells_trailers(environ: Environ) -> bool:
    """Whether the readers at work let trailers through to the application."""
    return any(
        reader.trailers and reader.serves(environ) and reader not in disabled_readers
        for reader in READERS
    )

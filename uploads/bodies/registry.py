"""The body readers and the servers they fit: one line per server with its own reader."""

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
    """A reader for one server, which uses that server's internals.

    Attributes:
        name: For the log.
        serves: Whether this WSGI environment comes from its server.
        kind: Module and name of the server's own reader class, to match the request's.
        open: Creates the body.
        trailers: Whether it supports trailers.
    """

    name: str
    serves: Callable[[Environ], bool]
    kind: tuple[str, str]
    open: Callable[[Environ, Any], Body]
    trailers: bool = False

    def fits(self, environ: Environ) -> bool:
        """Whether it can read this request's body."""
        found = type(getattr(environ.get("wsgi.input"), "reader", None))
        return self.serves(environ) and (found.__module__, found.__name__) == self.kind


def on_gunicorn(environ: Environ) -> bool:
    return "gunicorn.socket" in environ


IN_GUNICORN = "gunicorn.http.body"
LENGTH = Reader("gunicorn's length", on_gevent, (IN_GUNICORN, "LengthReader"), GunicornBody)
CHUNKED = Reader(
    "gunicorn's chunked", on_gunicorn, (IN_GUNICORN, "ChunkedReader"), GunicornChunkedBody, True
)
READERS = (LENGTH, CHUNKED)
tested_readers: set[Reader] = set()  # in this process; see uploads.bodies.self_test
disabled_readers: set[Reader] = set()  # those among them that failed


def is_usable(reader: Reader) -> bool:
    """Whether it passed the self-test, which runs now unless the server's start has run it."""
    if reader not in tested_readers:
        from uploads.bodies.self_test import test_once  # a circular import

        test_once()
    return reader not in disabled_readers


def open_body(environ: Environ) -> Body:
    """The body, read by the reader that fits the server, else by the plain one.

    Raises:
        LengthRequired: The body is chunked and the server does not signal its end.
        BadRequest: Content-Length is not a number (most servers check that themselves).
    """
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    length = None if chunked else _announced(environ.get("CONTENT_LENGTH") or "0")
    for reader in READERS:
        if reader.fits(environ) and is_usable(reader):
            return reader.open(environ, length)
    return PlainBody(environ, length)


def discard_body(environ: Environ, close_connection: bool = False) -> Body | None:
    """Discards an unread body in a way that lets the client receive the response.

    A server that drains the body itself would block the other requests of this process.

    Args:
        environ: The request's.
        closes: Also if so little is unread that the connection could be kept.

    Returns:
        The body, to `drain` after the response is sent; None if its end is unknown.
    """
    try:
        body = open_body(environ)
    except UploadError:
        return None
    body.discard(close_connection)
    return body


def _announced(length: str) -> int:
    # A number with too many digits is well-formed: the body is too long.
    if not re.fullmatch("[0-9]{1,99}", length):
        raise BadRequest("Content-Length must be a whole number of bytes.")
    return int(length)


def is_coded(environ: Environ) -> bool:
    """Whether the body has a content coding such as gzip, which is not decoded here."""
    codings = environ.get("HTTP_TRANSFER_ENCODING", "").lower().split(",")
    return not {coding.strip() for coding in codings} <= {"", "chunked", "identity"}


def tells_trailers(environ: Environ) -> bool:
    """Whether the active readers support trailers."""
    return any(
        reader.trailers and reader.serves(environ) and is_usable(reader) for reader in READERS
    )

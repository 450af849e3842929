"""Reads request bodies piece by piece: one reader per web server, chosen by what is there.

A body that ends early is no error here: what arrived is delivered, and `cut` tells. None of these
touch `request.body`, and nothing larger than one buffer is held.
"""

import re
import socket
from typing import Any, Protocol

from uploads.conf import conf
from uploads.errors import LengthRequired, Malformed

BUFFER_BYTES = 1024 * 1024
PLAIN_BYTES = 64 * 1024  # a plain server delivers no byte before so many are there
YIELD_EVERY = 4 * 1024 * 1024  # a fast client lets the others in after so many bytes
DRAIN_BYTES = 64 * 1024 * 1024  # of a refused body, read and dropped so the answer arrives
DRAIN_SECONDS = 5.0
SMALL_REST = 64 * 1024  # so little unread body does not cost the connection


class Body(Protocol):
    """A request body.

    Attributes:
        length: Its length in bytes if announced, else None (Transfer-Encoding: chunked).
        cut: Set when it ended before it was whole.
        idle: Set when it was ended because it brought nothing for UPLOADS_IDLE_TIMEOUT.
    """

    length: int | None
    cut: bool
    idle: bool

    def read(self) -> memoryview | bytes:
        """The next piece, valid until the next call; empty at the end."""

    def trailer(self, name: str) -> str | None:
        """A field of the trailer section, once the body has been read; None: there is none."""

    def abandon(self) -> None:
        """No more of it is wanted: the connection is not used again after the answer."""

    def linger(self) -> None:
        """Called when the answer is out: let a client that still sends read it."""


class PlainBody:
    """Any WSGI server: `wsgi.input`, up to CONTENT_LENGTH or the end the server tells."""

    def __init__(self, environ: dict[str, Any], length: int | None) -> None:
        if length is None and not environ.get("wsgi.input_terminated"):
            raise LengthRequired
        self.length = length
        self.cut = False
        self.idle = False
        self.input = environ["wsgi.input"]
        self.rest = length

    def read(self) -> bytes:
        """The next piece."""
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

    def trailer(self, name: str) -> str | None:
        """These servers do not tell trailers."""
        return None

    def abandon(self) -> None:
        """These servers settle the rest of a body themselves."""

    def linger(self) -> None:
        """Nothing can be done once the server has the answer."""


class GunicornBody:
    """gunicorn, body of known length: the socket read straight into a shared buffer.

    The buffer is shared by all requests of a gevent worker: between the moment that bytes land in
    it and their writing nothing yields to another greenlet.
    """

    buffer = memoryview(bytearray(BUFFER_BYTES))

    def __init__(self, environ: dict[str, Any], length: int) -> None:
        self.length: int | None = length
        self.cut = False
        self.idle = False
        self.input = environ["wsgi.input"]
        self.reader = self.input.reader
        self.socket = environ["gunicorn.socket"]
        self.since_yield = 0
        self.abandoned = False

    def read(self) -> memoryview | bytes:
        """The next piece: first what gunicorn read ahead, then the socket's."""
        rest: int = self.reader.length
        if not rest:
            return b""
        ahead: bytes = self.reader.unreader.take_buffered()
        if ahead:
            self.reader.unreader.unread(ahead[rest:])
            self.reader.length -= len(ahead[:rest])
            return ahead[:rest]
        if self.since_yield > YIELD_EVERY:
            self.since_yield = 0
            _let_others_in()
        received = self._receive(min(rest, BUFFER_BYTES))
        self.reader.length -= received
        self.since_yield += received
        if not received:
            self.cut = True
            _close_after_answer(self.input)
        return self.buffer[:received]

    def _receive(self, size: int) -> int:
        self.socket.settimeout(conf.UPLOADS_IDLE_TIMEOUT)
        try:
            received: int = self.socket.recv_into(self.buffer[:size])
        except TimeoutError:
            self.idle = True
            return 0
        except OSError:  # reset by the client
            return 0
        finally:
            if self.socket.fileno() >= 0:
                self.socket.settimeout(None)
        return received

    def trailer(self, name: str) -> str | None:
        """A body of known length has no trailers."""
        return None

    def abandon(self) -> None:
        """The connection is not used again after the answer."""
        self.abandoned = self.reader.length > SMALL_REST
        if self.abandoned:
            _close_after_answer(self.input)

    def linger(self) -> None:
        """Let a client that still sends read the answer."""
        if self.abandoned:
            _drop_rest(self.socket)


class GunicornChunkedBody:
    """gunicorn, Transfer-Encoding: chunked: pieces as its parser finds them."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.length: int | None = None
        self.cut = False
        self.idle = False
        self.input = environ["wsgi.input"]
        self.reader = self.input.reader
        self.socket = environ["gunicorn.socket"]
        self.abandoned = False

    def read(self) -> bytes:
        """The next piece."""
        if self.reader.parser is None:
            return b""
        self.socket.settimeout(conf.UPLOADS_IDLE_TIMEOUT)
        try:
            piece: bytes = next(self.reader.parser)
        except StopIteration:
            self.reader.parser = None
            return b""
        except TimeoutError:
            self.idle = True
            return self._end()
        except Exception as problem:  # gunicorn's parse errors have no narrower common class
            if not _is_gunicorns(problem) and not isinstance(problem, OSError):
                raise
            return self._end()
        finally:
            if self.socket.fileno() >= 0:
                self.socket.settimeout(None)
        return piece or self.read()

    def _end(self) -> bytes:
        self.cut = True
        _close_after_answer(self.input)
        self.reader.parser = None
        return b""

    def trailer(self, name: str) -> str | None:
        """A field of the trailer section."""
        fields: list[tuple[str, str]] = self.reader.req.trailers
        return next((value for field, value in fields if field == name.upper()), None)

    def abandon(self) -> None:
        """The connection is not used again after the answer."""
        self.abandoned = self.reader.parser is not None
        if self.abandoned:
            _close_after_answer(self.input)

    def linger(self) -> None:
        """Let a client that still sends read the answer."""
        if self.abandoned:
            _drop_rest(self.socket)


def _close_after_answer(body: Any) -> None:
    """gunicorn must not look for another request here, and the client must know."""
    body.failed = True
    announce = getattr(body, "announce_close", None)  # see whisperx_site.gunicorn_settings
    if announce:
        announce()


def _drop_rest(connection: Any) -> None:
    """Close our half and drop what still comes, for a while.

    Closing a socket that has unread bytes resets the connection, and a client that is still sending
    would lose the answer that tells it to stop.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(DRAIN_SECONDS)
        dropped = 0
        while dropped < DRAIN_BYTES:
            received = connection.recv_into(GunicornBody.buffer)
            dropped += received
            if not received:
                break
    except OSError:
        return  # gone, or silent for too long: nobody waits for the answer


def _is_gunicorns(problem: Exception) -> bool:
    return type(problem).__module__.startswith("gunicorn.")


def _let_others_in() -> None:
    from gevent import sleep

    sleep(0)


def is_coded(environ: dict[str, Any]) -> bool:
    """Whether the body is packed in a way that is not undone here, such as gzip."""
    codings = environ.get("HTTP_TRANSFER_ENCODING", "").lower().split(",")
    return not {coding.strip() for coding in codings} <= {"", "chunked", "identity"}


def open_body(environ: dict[str, Any]) -> Body:
    """The reader that fits the server which made this WSGI environment.

    Raises:
        LengthRequired: The body is chunked and the server does not tell where it ends.
        Malformed: Content-Length is no number; most servers see to that themselves.
    """
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    length = None if chunked else _announced(environ.get("CONTENT_LENGTH") or "0")
    reader = getattr(environ.get("wsgi.input"), "reader", None)
    if "gunicorn.socket" in environ and type(reader).__module__ == "gunicorn.http.body":
        kind = type(reader).__name__
        if kind == "LengthReader" and length is not None and _on_gevent(environ):
            return GunicornBody(environ, length)
        if kind == "ChunkedReader":
            return GunicornChunkedBody(environ)
    return PlainBody(environ, length)


def _announced(length: str) -> int:
    # More digits than any upload has are no error of the header's: the body is too long, then.
    if not re.fullmatch("[0-9]{1,99}", length):
        raise Malformed("Content-Length must be a whole number of bytes.")
    return int(length)


def tells_trailers(environ: dict[str, Any]) -> bool:
    """Whether the web server lets trailers through to the application."""
    return "gunicorn.socket" in environ


def _on_gevent(environ: dict[str, Any]) -> bool:
    return type(environ["gunicorn.socket"]).__module__.startswith("gevent.")

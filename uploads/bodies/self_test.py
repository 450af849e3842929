"""Tests each body reader with one request, when a server process starts or at its first upload.

The readers use internals of their servers, which may change with a release. Better slow than wrong:
a reader that fails is disabled, and an error is logged.
"""

import logging
import socket
import tempfile
from contextlib import suppress
from threading import Lock, Thread
from typing import Any

from uploads.bodies.base import Body
from uploads.bodies.registry import (
    CHUNKED,
    LENGTH,
    READERS,
    Reader,
    disabled_readers,
    tested_readers,
)
from uploads.cooperative import under_gevent, within
from uploads.stores.pipe import Pipe

logger = logging.getLogger(__name__)

SECONDS = 2.0
# More than a server reads ahead and a socket buffers: several pieces, some large.
CONTENT = bytes(range(256)) * 2048
NEXT = b"HEAD /next HTTP/1.1\r\nHost: test\r\n\r\n"
TRAILER = "Upload-Checksum"
testing = Lock()


class Failed(Exception):
    """A reader did not deliver what was sent; the message says what differed."""


def test_once() -> None:
    """Test the readers, unless this process has; other requests wait for it."""
    from gunicorn.config import Config

    with testing:
        if not tested_readers:
            test_gunicorn(Config())


def test_gunicorn(settings: Any) -> None:
    """Tests the readers for gunicorn; failing ones go into `disabled_readers`.

    Args:
        settings: The worker's settings, for gunicorn's parser.
    """
    requests = {CHUNKED: in_chunks()}
    if under_gevent():  # other workers have no use for the other one
        requests[LENGTH] = of_known_length()
    for reader, request in requests.items():
        try:
            through_gunicorn(reader, request, settings)
        except Exception as problem:  # noqa: BLE001  (whatever another release may do)
            disabled_readers.add(reader)
            logger.error(
                "THE READER FOR %s BODIES DOES NOT FIT THE INSTALLED GUNICORN: %s: %s. The plain "
                "reader is used: uploads are slower, keep less of a cut request, and have no "
                "trailers. Install a release of gunicorn that they were tested with.",
                reader.name.upper(),
                type(problem).__name__,
                problem,
            )
    tested_readers.update(READERS)


def of_known_length() -> bytes:
    return head(f"Content-Length: {len(CONTENT)}") + CONTENT


def in_chunks() -> bytes:
    size = len(CONTENT) // 4
    chunks = [CONTENT[start : start + size] for start in range(0, len(CONTENT), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = f"0\r\n{TRAILER}: here\r\n\r\n".encode()
    return head(f"Transfer-Encoding: chunked\r\nTrailer: {TRAILER}") + body + end


def head(fields: str) -> bytes:
    return f"PATCH /test HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n".encode()


def through_gunicorn(reader: Reader, request: bytes, settings: Any) -> None:
    """Sends a request, and a second one behind it, through gunicorn's parser and the reader.

    Raises:
        Failed: The received bytes differ from the sent ones.
    """
    from gunicorn import http
    from gunicorn.http import wsgi

    ours, theirs = socket.socketpair()
    Thread(target=send, args=(theirs, request + NEXT), daemon=True).start()
    try:
        with within(SECONDS, Failed(f"no end within {SECONDS:g} s")):
            parser = http.get_parser(settings, ours, ("127.0.0.1", 1))
            parsed = next(parser)
            environ = wsgi.create(parsed, ours, ("127.0.0.1", 1), ("127.0.0.1", 1), settings)[1]
            if not (reader.serves(environ) and reader.fits(environ)):
                raise Failed("gunicorn's own reader is another")
            length = environ.get("CONTENT_LENGTH")
            check(reader, reader.open(environ, length and int(length)))
            following = next(parser)
            if following.method != "HEAD":
                raise Failed(f"the next request on the connection was read as {following.method}")
    finally:
        ours.close()


def send(connection: socket.socket, data: bytes) -> None:
    """Sends it all and closes, so that a reader that asks for more gets to an end."""
    with connection, suppress(OSError):  # the other end is closed if the test has failed
        connection.sendall(data)


def check(reader: Reader, body: Body) -> None:
    """Reads a body, alternating `read` and `read_zero_copy`, and checks every promise of `Body`."""
    with tempfile.TemporaryFile() as file:
        seen = False
        while len(piece := body.read() if seen else body.read_zero_copy()):
            seen = not seen
            if isinstance(piece, Pipe):
                while len(piece):
                    piece.pour(file.fileno(), file.seek(0, 2))
            else:
                file.seek(0, 2)
                file.write(piece)
                file.flush()
        file.seek(0)
        arrived = file.read()
    if arrived != CONTENT or body.cut:
        raise Failed(f"{len(arrived)} of {len(CONTENT)} bytes came, or others than were sent")
    if reader.trailers and body.trailer(TRAILER) != "here":
        raise Failed("the trailer did not come")

"""Tests each body reader with one request when a server process starts.

The readers use internals of their servers, which may change with a release. Better slow than wrong:
a reader that fails is disabled, and an error is logged.
"""

import logging
import tempfile
from typing import Any

from uploads.bodies.base import Body
from uploads.bodies.registry import CHUNKED, LENGTH, Reader, disabled_readers, open_body
from uploads.stores.pipe import Pipe

logger = logging.getLogger(__name__)

SECONDS = 2.0
# More than a server reads ahead and a socket buffers: several pieces, some large.
CONTENT = bytes(range(256)) * 2048
NEXT = b"HEAD /next HTTP/1.1\r\nHost: test\r\n\r\n"
TRAILER = "Upload-Checksum"


class Failed(Exception):
    """A reader did not deliver what was sent; the message says what differed."""


def test_gunicorn(settings: Any) -> None:
    """Tests the readers for gunicorn's gevent worker; failing ones go into `disabled_readers`.

    Args:
        settings: The worker's settings, for gunicorn's parser.
    """
    for reader, request in ((LENGTH, of_known_length()), (CHUNKED, in_chunks())):
        try:
            through_gunicorn(reader, request, settings)
        except Exception as problem:  # noqa: BLE001  (whatever another release may do)
            disabled_readers.add(reader)
            logger.error(
                "THE READER FOR %s BODIES DOES NOT FIT THE INSTALLED GUNICORN: %s: %s. The plain "
                "reader is used: uploads are slower, keep less of a cut request, and have no "
                "trailers. Install the release that requirements.txt names.",
                reader.name.upper(),
                type(problem).__name__,
                problem,
            )


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
    from gevent import Timeout, socket, spawn
    from gunicorn import http
    from gunicorn.http import wsgi

    ours, theirs = socket.socketpair()
    sender = spawn(theirs.sendall, request + NEXT)
    try:
        with Timeout(SECONDS, Failed(f"no end within {SECONDS:g} s")):
            parser = http.get_parser(settings, ours, ("127.0.0.1", 1))
            parsed = next(parser)
            environ = wsgi.create(parsed, ours, ("127.0.0.1", 1), ("127.0.0.1", 1), settings)[1]
            if not (reader.serves(environ) and reader.fits(environ)):
                raise Failed("gunicorn's own reader is another")
            check(reader, open_body(environ))
            following = next(parser)
            if following.method != "HEAD":
                raise Failed(f"the next request on the connection was read as {following.method}")
    finally:
        sender.kill()
        ours.close()
        theirs.close()


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

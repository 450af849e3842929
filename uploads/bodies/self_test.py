"""A test of the readers at the start of each process that serves: a request through each of them.

They read past their servers' public doors, and another release of a server may have other rooms
behind them. Better slow than wrong: a reader that fails here is not used, and the log says so.
"""

import logging
import tempfile
from typing import Any

from uploads.bodies.base import Body
from uploads.bodies.registry import CHUNKED, LENGTH, Reader, disabled_readers, open_body
from uploads.stores.pipe import Pipe

logger = logging.getLogger(__name__)

SECONDS = 2.0
# More than a server reads ahead, and than a socket holds: several pieces, some of them large.
CONTENT = bytes(range(256)) * 2048
NEXT = b"HEAD /next HTTP/1.1\r\nHost: test\r\n\r\n"
TRAILER = "Upload-Checksum"


class Failed(Exception):
    """A reader did not deliver what was sent; says what."""


def test_gunicorn(settings: Any) -> None:
    """Test the readers for gunicorn's gevent worker; what fails is noted in `disabled_readers`.

    Args:
        settings: The worker's, which its parser wants to know.
    """
    for reader, request in ((LENGTH, of_known_length()), (CHUNKED, in_chunks())):
        try:
            through_gunicorn(reader, request, settings)
        except Exception as problem:  # noqa: BLE001  (whatever another release may do)
            disabled_readers.add(reader)
            logger.error(
                "THE READER FOR %s BODIES DOES NOT FIT THE INSTALLED GUNICORN: %s: %s. The plain "
                "reader stands in: uploads are slower, keep less of a cut request, and have no "
                "trailers. Install the release that requirements.txt names.",
                reader.name.upper(),
                type(problem).__name__,
                problem,
            )


def of_known_length() -> bytes:
    """A request with Content-Length."""
    return head(f"Content-Length: {len(CONTENT)}") + CONTENT


def in_chunks() -> bytes:
    """The same in chunks, with a trailer."""
    size = len(CONTENT) // 4
    chunks = [CONTENT[start : start + size] for start in range(0, len(CONTENT), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = f"0\r\n{TRAILER}: here\r\n\r\n".encode()
    return head(f"Transfer-Encoding: chunked\r\nTrailer: {TRAILER}") + body + end


def head(fields: str) -> bytes:
    """The head of a request."""
    return f"PATCH /test HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n".encode()


def through_gunicorn(reader: Reader, request: bytes, settings: Any) -> None:
    """Send a request, and another behind it, through gunicorn's parser and the reader.

    Raises:
        Failed: What came out is not what went in.
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
    """Read a body, both ways in turn, and look at all that was promised of it."""
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

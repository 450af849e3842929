"""How connections of gunicorn's bodies end; shared by both readers."""

import socket
import time
from typing import Any

from uploads.cooperative import let_others_in

BUFFER_BYTES = 1024 * 1024
YIELD_EVERY = 4 * 1024 * 1024  # yield to other requests after this many bytes
# Added for each piece, because a client may send one byte at a time.
PIECE_COST = 64 * 1024
DRAIN_BYTES = 64 * 1024 * 1024  # of a refused body, read and discarded so that the response arrives
DRAIN_SECONDS = 30.0
DRAIN_SILENCE = 5.0  # seconds without a byte

# Shared by all requests of a gevent worker: nothing may yield to another greenlet between
# receiving bytes into it and writing them.
buffer = memoryview(bytearray(BUFFER_BYTES))


def on_gevent(environ: dict[str, Any]) -> bool:
    """Whether the connection belongs to gunicorn's gevent worker."""
    return type(environ.get("gunicorn.socket")).__module__.startswith("gevent.")


def close_after_answer(body: Any) -> None:
    """Sends `Connection: close`, and keeps gunicorn from reading another request."""
    body.failed = True
    announce = getattr(body, "announce_close", None)  # see whisperx_site.serving.gunicorn_settings
    if announce:
        announce()


def ends_anyway(environ: dict[str, Any]) -> bool:
    """Whether the connection closes after this request anyway, so that nothing need be drained."""
    options = environ.get("HTTP_CONNECTION", "").lower()
    return environ["SERVER_PROTOCOL"] != "HTTP/1.1" or "close" in options


def expects_continue(body: Any) -> bool:
    """Whether the client waits for `100 Continue` before it sends the body."""
    return getattr(body.input, "expects_continue", False)


def send_100_continue(body: Any) -> None:
    """Sends `100 Continue` if the client waits for it (RFC 9110, section 10.1.1)."""
    if expects_continue(body):
        body.input.expects_continue = False
        body.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def discard_remaining(connection: Any) -> None:
    """Closes our side for writing and discards incoming bytes for a while.

    Closing a socket with unread bytes resets the connection, and a client that is still sending
    would lose the response that tells it to stop.
    """
    until = time.monotonic() + DRAIN_SECONDS
    dropped = 0
    try:
        connection.shutdown(socket.SHUT_WR)
        while dropped < DRAIN_BYTES and (rest := until - time.monotonic()) > 0:
            connection.settimeout(min(rest, DRAIN_SILENCE))
            received = connection.recv_into(buffer)
            dropped += received
            if not received:
                break
            let_others_in()
    except OSError:
        return  # closed, or silent for too long: the client no longer waits

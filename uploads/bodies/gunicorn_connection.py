"""What bodies from gunicorn have in common: how their connection ends."""

import socket
import time
from typing import Any

from uploads.cooperative import let_others_in

BUFFER_BYTES = 1024 * 1024
YIELD_EVERY = 4 * 1024 * 1024  # a fast client lets the others in after so many bytes
# Each piece counts as so many besides its own: a client may send them a byte at a time.
PIECE_COST = 64 * 1024
DRAIN_BYTES = 64 * 1024 * 1024  # of a refused body, read and dropped so the answer arrives
DRAIN_SECONDS = 30.0
DRAIN_SILENCE = 5.0  # seconds without a byte

# Shared by all requests of a gevent worker: between the moment that bytes land in it and their
# writing nothing yields to another greenlet.
buffer = memoryview(bytearray(BUFFER_BYTES))


def on_gevent(environ: dict[str, Any]) -> bool:
    """Whether the connection is one of gunicorn's gevent worker."""
    return type(environ.get("gunicorn.socket")).__module__.startswith("gevent.")


def close_after_answer(body: Any) -> None:
    """gunicorn must not look for another request here, and the client must know."""
    body.failed = True
    announce = getattr(body, "announce_close", None)  # see whisperx_site.serving.gunicorn_settings
    if announce:
        announce()


def ends_anyway(environ: dict[str, Any]) -> bool:
    """Whether the connection is closed after this request, so nobody would read the rest away."""
    options = environ.get("HTTP_CONNECTION", "").lower()
    return environ["SERVER_PROTOCOL"] != "HTTP/1.1" or "close" in options


def expects_continue(body: Any) -> bool:
    """Whether the client waits for `100 Continue` before it sends its body."""
    return getattr(body.input, "expects_continue", False)


def send_100_continue(body: Any) -> None:
    """Let the client send, where it waits for that (RFC 9110, section 10.1.1)."""
    if expects_continue(body):
        body.input.expects_continue = False
        body.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def discard_remaining(connection: Any) -> None:
    """Close our half and drop what still comes, for a while.

    Closing a socket that has unread bytes resets the connection, and a client that is still sending
    would lose the answer that tells it to stop.
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
        return  # gone, or silent for too long: nobody waits for the answer

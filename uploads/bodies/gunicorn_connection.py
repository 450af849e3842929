"""What bodies from gunicorn have in common: how their connection ends."""

import socket
from typing import Any

BUFFER_BYTES = 1024 * 1024
DRAIN_BYTES = 64 * 1024 * 1024  # of a refused body, read and dropped so the answer arrives
DRAIN_SECONDS = 5.0

# Shared by all requests of a gevent worker: between the moment that bytes land in it and their
# writing nothing yields to another greenlet.
buffer = memoryview(bytearray(BUFFER_BYTES))


def on_gevent(environ: dict[str, Any]) -> bool:
    """Whether the connection is one of gunicorn's gevent worker."""
    return type(environ.get("gunicorn.socket")).__module__.startswith("gevent.")


def close_after_answer(body: Any) -> None:
    """gunicorn must not look for another request here, and the client must know."""
    body.failed = True
    announce = getattr(body, "announce_close", None)  # see whisperx_site.gunicorn_settings
    if announce:
        announce()


def drop_rest(connection: Any) -> None:
    """Close our half and drop what still comes, for a while.

    Closing a socket that has unread bytes resets the connection, and a client that is still sending
    would lose the answer that tells it to stop.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(DRAIN_SECONDS)
        dropped = 0
        while dropped < DRAIN_BYTES:
            received = connection.recv_into(buffer)
            dropped += received
            if not received:
                break
    except OSError:
        return  # gone, or silent for too long: nobody waits for the answer

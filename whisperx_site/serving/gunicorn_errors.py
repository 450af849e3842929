"""What gunicorn itself answers to a request that it cannot read."""

import json
import uuid
from typing import Any

from gunicorn import util

from uploads.http.protocol import VERSION


def install() -> None:
    """Let gunicorn answer as the rest of the site does, and not with a page of its own."""
    util.write_error = write_error


def write_error(client: Any, status: int, reason: str, problem: str) -> None:
    """Say in one sentence what is wrong, in the shape that clients of the API and of tus know.

    Args:
        client: The connection, which is closed afterwards.
        status: The HTTP status.
        reason: What HTTP calls it.
        problem: What gunicorn found.
    """
    sentence = f"The request cannot be read: {problem}" if problem else reason
    body = json.dumps({"detail": sentence}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Tus-Resumable: {VERSION}\r\n"
        # Nobody knows who asks; a page may read that it sent too much, and learns nothing else.
        "Access-Control-Allow-Origin: *\r\n"
        "Access-Control-Expose-Headers: Tus-Resumable, X-Request-ID\r\n"
        f"X-Request-ID: {uuid.uuid4()}\r\n"
        "\r\n"
    )
    util.write_nonblock(client, head.encode() + body)

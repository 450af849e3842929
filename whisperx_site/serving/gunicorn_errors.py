"""gunicorn's own responses to malformed requests."""

import json
import uuid
from typing import Any

from gunicorn import util

from uploads.http.protocol import VERSION
from uploads.services.activity import log_context


def install() -> None:
    """Makes gunicorn answer like the rest of the site, not with its own page."""
    util.write_error = write_error


def write_error(client: Any, status: int, reason: str, problem: str) -> None:
    """Sends one sentence in the shape that API and tus clients know.

    Args:
        client: The connection, which is closed afterwards.
        status: The HTTP status.
        reason: Its standard phrase.
        problem: gunicorn's error.
    """
    sentence = f"The request can't be read: {problem}" if problem else reason
    identifier = log_context.current().get("request_id") or uuid.uuid4()
    body = json.dumps({"detail": sentence}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Tus-Resumable: {VERSION}\r\n"
        # The sender is unknown; any page may read that its request was too large, and nothing else.
        "Access-Control-Allow-Origin: *\r\n"
        "Access-Control-Expose-Headers: Tus-Resumable, X-Request-ID\r\n"
        f"X-Request-ID: {identifier}\r\n"
        "\r\n"
    )
    util.write_nonblock(client, head.encode() + body)

"""X-Request-ID: one identifier for each request, in its response and in the log."""

import uuid
from typing import Any

KEPT = "whisperx_site.request_id"


class RequestId:
    """The identifier of a request, as text. It is made up only when it is asked for.

    Args:
        environ: The request's WSGI environment.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ

    def __str__(self) -> str:
        text = request_id(self.environ)
        return text if text.isascii() else text.encode("latin-1").decode()


def request_id(environ: dict[str, Any]) -> str:
    """The client's X-Request-ID if a header can carry it, else a new one; the same at each call.

    Header octets are Latin-1 in both directions, so UTF-8 text is returned unchanged.
    """
    kept: str | None = environ.get(KEPT)
    if kept is None:
        said = str(environ.get("HTTP_X_REQUEST_ID", ""))
        kept = environ[KEPT] = said if said and is_text(said) else str(uuid.uuid4())
    return kept


def is_text(said: str) -> bool:
    """Whether a header's value is UTF-8 without control characters."""
    if said.isascii():
        return said.isprintable()
    try:
        return said.encode("latin-1").decode().isprintable()
    except UnicodeError:
        return False

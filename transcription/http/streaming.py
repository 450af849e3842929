"""Long responses, generated while they are sent and never complete in memory."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

from transcription.http.gradual_json import write_gradually
from transcription.services.db_connection import release_connection

BLOCK = 64 * 1024  # characters that are sent at once


def streamed(pieces: Iterable[str], content_type: str) -> HttpResponse | StreamingHttpResponse:
    """A response made of these pieces; a short one is sent as a whole.

    Load the data first: the client may be slow, and must not hold a database connection meanwhile.
    """
    release_connection()
    sent = blocks(pieces)
    first = [*islice(sent, 2)]
    if len(first) == 1:
        return HttpResponse(first[0], content_type=content_type)
    return StreamingHttpResponse(chain(first, sent), content_type=content_type)


def streamed_json(value: Any) -> HttpResponse | StreamingHttpResponse:
    """A response in JSON; iterators in the value become lists."""
    return streamed(write_gradually(value), "application/json")


def blocks(pieces: Iterable[str]) -> Iterator[bytes]:
    """Joins pieces to blocks worth sending."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield "".join(held).encode("utf-8", "replace")
            held.clear()
            size = 0
    yield "".join(held).encode("utf-8", "replace")

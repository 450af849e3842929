"""Forms, parsed while they arrive: recordings are streamed to the store, whatever their size.

Django's own parser drops parts without a name, accepts truncated parts as complete, and decodes
names in another way than API clients expect. So this is the parser of the replaced service.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from urllib.parse import parse_qsl

from django.http import HttpRequest
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from rest_framework.request import Request

from transcription.api.clients import sender_of
from transcription.api.errors import ApiError, detail
from transcription.api.forms.multipart_reader import (
    MOST_PARTS,
    UNREADABLE,
    Reader,
    check_count,
    header_options,
)
from transcription.api.forms.parts import (
    TEXT_BYTES,
    DocumentPart,
    FilePart,
    Form,
    MediaPart,
    TextPart,
    error_message,
    reason_of,
)
from transcription.services.db_connection import release_connection
from uploads.conf import conf
from uploads.cooperative import Pacer
from uploads.errors import RequestTimeout, TooLarge
from uploads.services.direct_upload import Body, open_body

__all__ = [
    "DocumentPart",
    "FilePart",
    "Form",
    "MediaPart",
    "TextPart",
    "read_form",
    "error_message",
]

LONGEST_HEADER = 64 * 1024
STEP = 128 * 1024  # bytes parsed in a row: small fields take time
URLENCODED_BYTES = 128 * 1024  # bytes read in one step
SLOWEST = 1024  # bytes a second; a recording in a form can't be resumed anyway
PATIENCE = 120.0  # seconds before the minimum speed applies
MOST_HEADERS = 64
STALLED = "The body sent no bytes for too long."
CUT = "The connection broke before the request was whole."

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of harmless endings


def read_form(
    request: Request | HttpRequest,
    media: Collection[str] = (),
    documents: Collection[str] = (),
    accepts: Callable[[str], bool] = lambda file_name: True,
) -> Form:
    """Reads a request's form; a body of any other type is an empty form.

    Args:
        request: Its body must be unread.
        media: Names of the parts that are recordings.
        documents: Names of the parts that are read as a whole.
        is_wanted: Whether to store a recording, by its name; others are skipped.

    Returns:
        The form, to be used as a context.

    Raises:
        ApiError: It is malformed.
        UploadError: It is too large, the store failed, or no bytes came for too long.
    """
    plain: HttpRequest = getattr(request, "_request", request)
    kind, options = header_options(str(plain.META.get("CONTENT_TYPE") or ""))
    body = open_body(plain.META)
    plain.body_reader = body  # type: ignore[attr-defined]  # see UnreadBodyMiddleware
    release_connection()
    if kind == "application/x-www-form-urlencoded":
        return read_urlencoded(body)
    if kind != "multipart/form-data":
        return Form()
    if "boundary" not in options:
        raise ApiError(detail(400, "Missing boundary in multipart."))
    if (body.length or 0) > conf.UPLOADS_MAX_SIZE + TEXT_BYTES * MOST_PARTS:
        raise TooLarge
    return read_multipart(body, Reader(sender_of(plain), options, media, documents, accepts))


def read_multipart(body: Body, reader: "Reader") -> Form:
    try:
        parser = MultipartParser(
            reader.boundary,
            reader.callbacks(),
            max_header_size=LONGEST_HEADER,
            max_header_count=MOST_HEADERS,
        )
        pause = Pacer()
        for piece in pieces(body):
            for start in range(0, len(piece), STEP):
                parser.write(piece[start : start + STEP])
                pause()
    except FormParserError as problem:
        refusal = ApiError(detail(400, UNREADABLE))
        reader.form.drop(reason_of(refusal))
        raise refusal from problem
    except BaseException as problem:
        reader.form.drop(reason_of(problem))
        raise
    if reader.form.open is not None:
        reader.form.open.drop("The form ended within this file.")
        reader.form.open = None
    return reader.form


def pieces(body: Body) -> Iterator[bytes]:
    """The body in pieces, each a copy: web servers reuse their buffer.

    Raises:
        ApiError: The connection was lost.
        RequestTimeout: No bytes came for UPLOADS_IDLE_TIMEOUT, or they come too slowly.
    """
    began = time.monotonic()
    size = 0
    while piece := body.read():
        yield bytes(piece)
        size += len(piece)
        seconds = time.monotonic() - began
        if seconds > PATIENCE and size < SLOWEST * seconds:
            raise RequestTimeout("The form arrives too slowly. Upload large recordings by tus.")
    if body.idle:
        raise RequestTimeout(STALLED)
    if body.cut:
        raise ApiError(detail(400, CUT))


def read_urlencoded(body: Body) -> Form:
    """A form with texts only."""
    content = bytearray()
    for piece in pieces(body):
        if len(content) + len(piece) > URLENCODED_BYTES:
            raise TooLarge(f"A form without files may have at most {URLENCODED_BYTES // 1024} KiB.")
        content += piece
    check_count(content.count(b"&") + 1, "fields")
    form = Form()
    for name, value in parse_qsl(content.decode("latin-1"), keep_blank_values=True):
        part = TextPart("utf-8")
        part.text = value
        form.add(name, part)
    return form

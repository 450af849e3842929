"""Bodies of page forms: limited in size and time, and read before the view runs.

Django would wait endlessly for a form's bytes, accept files of any size, and parse megabytes in one
step. The API and the upload addresses have their own readers.
"""

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from uploads.bodies.base import Body
from uploads.bodies.registry import open_body
from uploads.cooperative import within
from uploads.errors import BadRequest, RequestTimeout, TooLarge, UploadError
from uploads.http.headers import has_body
from uploads.services import queries
from whisperx_site.middleware.bounds import FORM_BYTES, FORM_SECONDS


class PageBodyMiddleware:
    """Reads form bodies before the CSRF middleware looks for a token in them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponseBase | None:
        made_by = getattr(view, "cls", None) or getattr(view, "view_class", None)
        if not has_body(request) or getattr(made_by, "reads_body_itself", False):
            return None
        try:
            body = open_body(request.META)
        except UploadError as refusal:
            return refused(refusal)
        request.body_reader = body  # type: ignore[attr-defined]  # see UnreadBodyMiddleware
        try:
            content = form_in(body)
        except UploadError as refusal:
            body.discard(close_connection=True)
            return refused(refusal)
        request.META["CONTENT_LENGTH"] = str(len(content))
        request._body = content
        return None


def refused(refusal: UploadError) -> JsonResponse:
    return JsonResponse({"detail": refusal.message}, status=refusal.status)


def form_in(body: Body) -> bytes:
    """The complete body.

    Raises:
        UploadError: It is too long, too slow, or was cut off.
    """
    too_long = TooLarge(f"A form may have at most {FORM_BYTES // 1024} KiB.")
    if (body.length or 0) > FORM_BYTES:
        raise too_long
    content = bytearray()
    deadline = time.monotonic() + FORM_SECONDS
    too_slow = RequestTimeout("The form took too long to arrive. Send it again.")
    queries.release_connection()  # of the database: the client may be slow
    with within(FORM_SECONDS, too_slow):
        while piece := body.read():
            content += piece
            if len(content) > FORM_BYTES:
                raise too_long
            if time.monotonic() > deadline:
                raise too_slow
    if body.idle:
        raise RequestTimeout("The form sent no bytes for too long. Send it again.")
    if body.cut:
        raise BadRequest("The connection was lost before the form was complete.")
    return bytes(content)

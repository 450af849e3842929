"""Forms of pages: short, read whole before anybody looks into them, and not waited for endlessly.

Django would wait for the bytes of a form as long as it takes, hold nobody back from sending files
of any size, and look through megabytes in one step. What comes to the API and to the addresses of
uploads has readers of its own.
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
    """Reads the bodies of forms, before anything asks for a CSRF token in them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponseBase | None:
        """Read the body, or refuse the request."""
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
    """The answer to a form that is not taken."""
    return JsonResponse({"detail": refusal.message}, status=refusal.status)


def form_in(body: Body) -> bytes:
    """A body, whole.

    Raises:
        UploadError: It is too long, too slow, or broke off.
    """
    too_long = TooLarge(f"A form has {FORM_BYTES // 1024} KiB at most.")
    if (body.length or 0) > FORM_BYTES:
        raise too_long
    content = bytearray()
    deadline = time.monotonic() + FORM_SECONDS
    too_slow = RequestTimeout("The form took too long to arrive. Send it again.")
    queries.release_connection()  # of the database: the client takes as long as it likes
    with within(FORM_SECONDS, too_slow):
        while piece := body.read():
            content += piece
            if len(content) > FORM_BYTES:
                raise too_long
            if time.monotonic() > deadline:
                raise too_slow
    if body.idle:
        raise RequestTimeout("The form brought no byte for too long. Send it again.")
    if body.cut:
        raise BadRequest("The connection broke before the form was whole.")
    return bytes(content)

"""Responses sent before the whole request was read: the client must be able to receive them.

Closing a connection with unread bytes resets it, and the response is lost.
"""

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from uploads.bodies.base import SMALL_REST, Body
from uploads.bodies.plain import PlainBody
from uploads.bodies.registry import open_body
from uploads.cooperative import within
from uploads.errors import RequestTimeout, UploadError
from uploads.http.headers import has_body
from uploads.services import queries
from whisperx_site.middleware.bounds import REST_SECONDS


class UnreadBodyMiddleware:
    """Drains a small unread rest; a large one is discarded for a while after the response.

    The first in the chain, so no other middleware replaces the response. Views that read the body
    themselves set its reader on the request as `body_reader`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not has_body(request):
            return response
        body: Body | None = getattr(request, "body_reader", None)
        if body is None:
            with suppress(UploadError):  # its end is unknown otherwise
                body = open_body(request.META)
        # Plain servers handle the rest themselves, and don't know what Django has read.
        if body is not None and not isinstance(body, PlainBody):
            queries.release_connection()  # the client may be slow
            if not body.discarded:
                body.discard(close_connection=not read_small_rest(body))
            response._resource_closers.append(body.drain)  # type: ignore[attr-defined]
        return response


def read_small_rest(body: Body) -> bool:
    """Reads a small rest, so that the connection can be used again.

    Returns:
        Whether it arrived in time.
    """
    size = 0
    try:
        with within(REST_SECONDS, RequestTimeout()):
            while size <= SMALL_REST and (piece := body.read()):
                size += len(piece)
    except RequestTimeout:
        return False
    return not (body.cut or body.idle)

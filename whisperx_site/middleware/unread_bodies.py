"""Answers that come before all of the request was read: the client must get to see them.

A connection that is closed while bytes lie unread in it is reset, and the answer with it is lost.
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
    """Reads away the small rest of a body; a large one is dropped for a while after the answer.

    The first in the chain: nobody after it replaces the response. Views that read the body piece by
    piece leave its reader at the request as `body_reader`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not has_body(request):
            return response
        body: Body | None = getattr(request, "body_reader", None)
        if body is None:
            with suppress(UploadError):  # else nobody knows where it ends
                body = open_body(request.META)
        # A plain server settles the rest itself, and does not know what Django has read of it.
        if body is not None and not isinstance(body, PlainBody):
            queries.release_connection()  # what is to come takes as long as the client likes
            if not body.discarded:
                body.discard(close_connection=not read_small_rest(body))
            response._resource_closers.append(body.drain)  # type: ignore[attr-defined]
        return response


def read_small_rest(body: Body) -> bool:
    """Read so little that the connection can be used again, if that is all there is.

    Returns:
        Whether it came in time.
    """
    size = 0
    try:
        with within(REST_SECONDS, RequestTimeout()):
            while size <= SMALL_REST and (piece := body.read()):
                size += len(piece)
    except RequestTimeout:
        return False
    return not (body.cut or body.idle)

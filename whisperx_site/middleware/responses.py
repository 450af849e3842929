"""Added to every response: length, X-Request-ID, and error texts for programs."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponse, HttpResponseBase

from transcription.api.paths import is_api_path

WITHOUT_CONTENT = (204, 304)


class AnswersMiddleware:
    """Adds Content-Length and X-Request-ID to responses, and the text that clients expect to 405.

    The first in the chain, so it also sees responses of other middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 405 and isinstance(response, HttpResponse):
            if not response.content and not is_for_people(request):
                response = method_not_allowed(response)
        if isinstance(response, HttpResponse) and response.status_code not in WITHOUT_CONTENT:
            response.setdefault("Content-Length", str(len(response.content)))
        response["X-Request-ID"] = request_id(request)
        return response


def method_not_allowed(refused: HttpResponse) -> JsonResponse:
    """Keeps Allow and the other headers."""
    response = JsonResponse({"detail": "Method Not Allowed"}, status=405)
    for name, value in refused.items():
        if name not in ("Content-Type", "Content-Length"):
            response[name] = value
    return response


def is_for_people(request: HttpRequest) -> bool:
    """Whether an error is a page: for browsers, except on API addresses."""
    wants_page = "text/html" in request.META.get("HTTP_ACCEPT", "")
    return wants_page and not is_api_path(request.path_info)


def request_id(request: HttpRequest) -> str:
    """The client's X-Request-ID if a header can carry it, else a new one.

    Header octets are Latin-1 in both directions, so UTF-8 text is returned unchanged.
    """
    said = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    return said if said and is_text(said) else str(uuid.uuid4())


def is_text(said: str) -> bool:
    """Whether a header's value is UTF-8 without control characters."""
    if said.isascii():
        return said.isprintable()
    try:
        return said.encode("latin-1").decode().isprintable()
    except UnicodeError:
        return False

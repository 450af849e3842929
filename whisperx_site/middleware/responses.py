"""What every answer has, whoever gave it: length, a name for the request, words for programs."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponse, HttpResponseBase

from transcription.api.paths import is_api_path

WITHOUT_CONTENT = (204, 304)


class AnswersMiddleware:
    """Gives each answer its length and X-Request-ID, and each 405 the words that programs read.

    The first in the chain: also what other middleware refuses passes here.
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
    """A 405 that says so; Allow and whatever else it carries stay."""
    response = JsonResponse({"detail": "Method Not Allowed"}, status=405)
    for name, value in refused.items():
        if name not in ("Content-Type", "Content-Length"):
            response[name] = value
    return response


def is_for_people(request: HttpRequest) -> bool:
    """Whether a refusal is a page: for browsers, except where the API answers."""
    wants_page = "text/html" in request.META.get("HTTP_ACCEPT", "")
    return wants_page and not is_api_path(request.path_info)


def request_id(request: HttpRequest) -> str:
    """The client's own X-Request-ID where a header can carry it back, else a fresh one.

    Its octets come and go as Latin-1; text in UTF-8 goes back as it came.
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

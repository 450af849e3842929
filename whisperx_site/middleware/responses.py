"""Added to every response: length, X-Request-ID, and error texts for programs."""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponse, HttpResponseBase

from transcription.api.paths import is_api_path
from whisperx_site.middleware.request_ids import request_id

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
        response["X-Request-ID"] = request_id(request.META)
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

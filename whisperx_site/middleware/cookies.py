"""Cookies that are read in more than linear time: refused before anybody reads them."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from whisperx_site.accounts.access import MONITOR_PATHS
from whisperx_site.middleware.bounds import COOKIE_BYTES, COOKIE_ESCAPES

TOO_MUCH = (
    "The cookies for this host are too long, or hold too many backslashes. Delete the cookies of "
    "this host in your browser, and sign in again."
)


class CookieBoundMiddleware:
    """431 to what would keep this process busy. Our own cookies are short, and have no quotes.

    It comes before everything that looks into cookies, and after what every answer needs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said: str = request.META.get("HTTP_COOKIE", "")
        if len(said) > COOKIE_BYTES or said.count("\\") > COOKIE_ESCAPES:
            if request.path_info not in MONITOR_PATHS:
                return JsonResponse({"detail": TOO_MUCH}, status=431)
            del request.META["HTTP_COOKIE"]  # nothing that is said there depends on them
        return self.get_response(request)

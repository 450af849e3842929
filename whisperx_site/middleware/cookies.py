"""Cookies that take more than linear time to parse are refused before parsing."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from whisperx_site.accounts.access import MONITOR_PATHS
from whisperx_site.middleware.bounds import COOKIE_BYTES, COOKIE_ESCAPES

TOO_MUCH = (
    "The cookies for this host are too long, or have too many backslashes. Delete the cookies of "
    "this host in your browser, and log in again."
)


class CookieBoundMiddleware:
    """431 for cookies that would keep this process busy. The site's own are short, without quotes.

    It comes before all middleware that reads cookies, and after those that every response needs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said: str = request.META.get("HTTP_COOKIE", "")
        if len(said) > COOKIE_BYTES or said.count("\\") > COOKIE_ESCAPES:
            if request.path_info not in MONITOR_PATHS:
                return JsonResponse({"detail": TOO_MUCH}, status=431)
            del request.META["HTTP_COOKIE"]  # cookies don't matter there
        return self.get_response(request)

"""The redirect to https, also for programs."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from whisperx_site.accounts.access import SAFE_METHODS


class KeptMethodMiddleware:
    """Turns the 301 of Django's SecurityMiddleware into 308 for unsafe methods: after 301, clients
    repeat the request with GET and without its body (RFC 9110, section 15.4.2).

    Put it before SecurityMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 301 and request.method not in SAFE_METHODS:
            response.status_code = 308
        return response

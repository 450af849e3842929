"""The redirect to https, also for programs."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from whisperx_site.accounts.access import SAFE_METHODS


class KeptMethodMiddleware:
    """Makes 308 of the 301 with which Django's SecurityMiddleware answers an unsafe method: after
    301 clients come back with GET and without their body (RFC 9110, section 15.4.2).

    Belongs before SecurityMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 301 and request.method not in SAFE_METHODS:
            response.status_code = 308
        return response

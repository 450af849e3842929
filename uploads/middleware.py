"""Answers below the upload addresses that come from elsewhere: login, CSRF, unknown addresses."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from uploads.protocol import VERSION


class TusResumableMiddleware:
    """Gives them Tus-Resumable, too (tus core: every response but that to OPTIONS has it)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.root: str | None = None

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if self.root is None:
            self.root = reverse("uploads:uploads").rstrip("/")
        if request.path.startswith(self.root) and "Tus-Resumable" not in response:
            response["Tus-Resumable"] = VERSION
        return response

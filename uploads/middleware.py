"""Responses below the upload URLs that do not come from its views: login, CSRF, CORS, 404."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from uploads.bodies.registry import discard_body
from uploads.http.headers import has_body
from uploads.http.protocol import VERSION
from uploads.http.responses import capabilities
from uploads.services import queries


class TusMiddleware:
    """Adds the tus headers to them, too.

    Every response except that to OPTIONS has Tus-Resumable; a successful OPTIONS lists the server's
    capabilities (tus core). Put it before the CORS middleware, which answers some of these
    requests. Unread request bodies are discarded.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.root: str | None = None

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if "Tus-Resumable" in response:
            return response
        if self.root is None:
            self.root = reverse("uploads:uploads").rstrip("/")
        if request.path.startswith(self.root):
            response["Tus-Resumable"] = VERSION
            body = discard_body(request.META) if has_body(request) else None
            if body is not None:
                response._resource_closers.append(body.drain)  # type: ignore[attr-defined]
                queries.release_connection()
            if request.method == "OPTIONS" and response.status_code < 300:
                headers = capabilities(request, ()).items()
                for name, value in headers:
                    if name.startswith("Tus-"):
                        response.setdefault(name, value)
        return response

"""The API documentation: the OpenAPI document, and two pages that show it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from rest_framework.request import Request

from transcription.api.base import ApiView
from transcription.api.schema.document import document
from transcription.api.schema.options import PRODUCT
from transcription.http.compression import compressed
from transcription.http.csp import csp_override

# Both pages have inline styles, and ReDoc searches in a worker made from a blob.
RELAXED = settings.SECURE_CSP | {
    "style-src": ["'self'", "'unsafe-inline'"],
    "worker-src": ["blob:"],
}


class DocumentView(ApiView):
    """An address that serves documentation and isn't part of it."""

    schema = None

    @property
    def allowed_methods(self) -> list[str]:
        return ["GET", "HEAD"]

    def get(self, request: Request) -> HttpResponse:
        raise NotImplementedError

    def head(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """The web server omits the content."""
        return self.get(request)


class OpenApi(DocumentView):
    """GET `/openapi.json`."""

    def get(self, request: Request) -> HttpResponse:
        answer = HttpResponse(document(), content_type="application/json")
        return compressed(request._request, answer)


@method_decorator(csp_override(RELAXED), name="dispatch")
class SwaggerPage(DocumentView):
    """GET `/docs`."""

    def get(self, request: Request) -> HttpResponse:
        return page(request, "transcription/docs.html")


@method_decorator(csp_override(RELAXED), name="dispatch")
class RedocPage(DocumentView):
    """GET `/redoc`."""

    def get(self, request: Request) -> HttpResponse:
        return page(request, "transcription/redoc.html")


def page(request: Request, template: str) -> HttpResponse:
    """A page that loads scripts from this site only."""
    facts = {
        "product": PRODUCT,
        "version": settings.PRODUCT_VERSION,
        "assets": settings.DOCUMENTATION_ASSETS,
    }
    return render(request._request, template, facts)

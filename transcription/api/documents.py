"""The API's own documentation: the document, and two pages that show it."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from rest_framework.request import Request

from transcription.api.base import ApiView
from transcription.api.schema.document import document
from transcription.api.schema.options import PRODUCT
from transcription.http.compression import compressed

# Both pages write styles of their own, and ReDoc searches in a worker made of its own script.
RELAXED = {"style-src": [SELF, UNSAFE_INLINE], "worker-src": ["blob:"]}


class DocumentView(ApiView):
    """An address that serves documentation, and is not described in it."""

    schema = None

    @property
    def allowed_methods(self) -> list[str]:
        """HEAD is served, too."""
        return ["GET", "HEAD"]

    def get(self, request: Request) -> HttpResponse:
        """The document or page."""
        raise NotImplementedError

    def head(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """The same; the web server leaves the content out."""
        return self.get(request)


class OpenApi(DocumentView):
    """GET `/openapi.json`."""

    def get(self, request: Request) -> HttpResponse:
        """The OpenAPI document."""
        answer = HttpResponse(document(), content_type="application/json")
        return compressed(request._request, answer)


@method_decorator(csp_update(RELAXED), name="dispatch")
class SwaggerPage(DocumentView):
    """GET `/docs`."""

    def get(self, request: Request) -> HttpResponse:
        """Every operation, to be tried out."""
        return page(request, "transcription/docs.html")


@method_decorator(csp_update(RELAXED), name="dispatch")
class RedocPage(DocumentView):
    """GET `/redoc`."""

    def get(self, request: Request) -> HttpResponse:
        """Every operation, to be read."""
        return page(request, "transcription/redoc.html")


def page(request: Request, template: str) -> HttpResponse:
    """A page that loads its scripts from this site alone."""
    facts = {
        "product": PRODUCT,
        "version": settings.PRODUCT_VERSION,
        "assets": settings.DOCUMENTATION_ASSETS,
    }
    return render(request._request, template, facts)

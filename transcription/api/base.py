"""What all answers of the API have in common."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class JSONNegotiation(BaseContentNegotiation):
    """Clients of the API get JSON whatever they say they accept, and whatever `format` they ask."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class ApiView(APIView):
    """A route of the API: JSON, and only its own methods.

    Attributes:
        reads_body_itself: Nobody else may look into the form before (see SessionCsrfMiddleware):
            recordings go straight to the store.
    """

    reads_body_itself: ClassVar[bool] = True

    content_negotiation_class = JSONNegotiation

    @property
    def allowed_methods(self) -> list[str]:
        """HEAD and OPTIONS are refused as clients know it; preflights are answered before."""
        names = ("get", "post", "put", "patch", "delete")
        return [name.upper() for name in names if hasattr(self, name)]

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        return Response({"detail": "Method Not Allowed"}, status=405)

    head = options = http_method_not_allowed

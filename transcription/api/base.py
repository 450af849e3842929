"""What all answers of the API have in common."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

LONGEST_REQUEST_ID = 200


class JsonAlways(BaseContentNegotiation):
    """Clients of the API get JSON whatever they say they accept, and whatever `format` they ask."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class ApiView(APIView):
    """A route of the API: only its own methods, each answer with its X-Request-ID."""

    content_negotiation_class = JsonAlways

    @property
    def allowed_methods(self) -> list[str]:
        """HEAD and OPTIONS are refused as clients know it; preflights are answered before."""
        names = ("get", "post", "put", "patch", "delete")
        return [name.upper() for name in names if hasattr(self, name)]

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        return Response({"detail": "Method Not Allowed"}, status=405)

    head = options = http_method_not_allowed

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["X-Request-ID"] = request_id(request)
        return answer


def request_id(request: HttpRequest | Request) -> str:
    """The client's own X-Request-ID where a header can carry it back, else a fresh one."""
    said = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    if said.isprintable() and 0 < len(said) <= LONGEST_REQUEST_ID:
        return said
    return str(uuid.uuid4())


def without_slash(request: HttpRequest, route: str) -> HttpResponse:
    """307 from a route with a slash at its end to the route itself."""
    path, mark, query = request.get_full_path().partition("?")
    answer = HttpResponse(status=307, headers={"Location": path.rstrip("/") + mark + query})
    answer["X-Request-ID"] = request_id(request)
    return answer

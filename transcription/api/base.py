"""Shared by all API views."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from pydantic import BaseModel
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from transcription.api.schema.responses import Answers, Schema
from transcription.api.shapes import Detail, DomainError


class JSONNegotiation(BaseContentNegotiation):
    """API clients always get JSON, whatever Accept and `format` say."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class ApiView(APIView):
    """An API route: JSON, and only the methods it defines.

    The docstring of each is its text in /docs: a summary, and a description for users.

    Attributes:
        operation_id: Its name in the API description, which client generators use.
        tag: Its section there.
        answers: Its own responses, without those that every route may give.
        parameters: The parameters of its query.
        forms: The schema of its form, by media type.
        fault: The shape of its 503 response.
        calls_back: Whether the callback is listed with it.
        reads_body_itself: Middleware must not read the form (see SessionCsrfMiddleware): recordings
            are streamed to the store.
    """

    operation_id: ClassVar[str]
    tag: ClassVar[str]
    answers: ClassVar[Answers]
    parameters: type[BaseModel] | None = None
    forms: Mapping[str, Schema] = {}
    fault: ClassVar[Any] = Detail | DomainError
    calls_back: ClassVar[bool] = False
    reads_body_itself: ClassVar[bool] = True

    content_negotiation_class = JSONNegotiation

    @property
    def allowed_methods(self) -> list[str]:
        """HEAD and OPTIONS are refused, as clients expect; preflights are answered earlier."""
        names = ("get", "post", "put", "patch", "delete")
        return [name.upper() for name in names if hasattr(self, name)]

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        return Response({"detail": "Method Not Allowed"}, status=405)

    head = options = http_method_not_allowed

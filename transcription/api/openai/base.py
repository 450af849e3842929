"""Shared by OpenAI's routes."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.api.openai.errors import openai_error, openai_handle
from transcription.api.shapes import OpenAIError


class OpenAIView(ApiView):
    """A route whose errors have OpenAI's shape."""

    tag = "OpenAI-compatible"
    fault = OpenAIError

    def get_exception_handler(self) -> Callable[..., Response]:
        return openai_handle

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        message = f"Not allowed to {request.method} on {request.path}."
        return openai_error(405, message, code="method_not_supported")

    head = options = http_method_not_allowed

"""Errors in the shape of OpenAI's clients: `error` with message, type, param and code."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.response import Response

from transcription.api.errors import ApiError, handle
from transcription.api.forms.multipart import STALLED
from transcription.api.forms.parts import error_message
from transcription.api.schema.responses import Answer, refusals
from transcription.api.shapes import OpenAIError, OpenAIFault
from uploads.errors import DiskFull, LengthRequired, TooLarge, TooManyRequests

INVALID, SERVER = "invalid_request_error", "server_error"
REFUSALS = {
    400: Answer("A field or the recording is invalid.", OpenAIError),
    408: Answer(STALLED, OpenAIError),
    409: Answer("The job was cancelled.", OpenAIError),
    500: Answer("The job failed; the message says why.", OpenAIError),
    504: Answer("The transcript was not ready in time (OPENAI_TIMEOUT).", OpenAIError),
    **refusals(LengthRequired, TooLarge, TooManyRequests, DiskFull, shape=OpenAIError),
}
"""The responses of the audio routes that aren't a transcript."""


def openai_error(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> Response:
    """An error response.

    A server error that would repeat has `x-should-retry: false`: otherwise OpenAI's clients send
    the whole recording two more times.

    Args:
        status: The HTTP status.
        message: What is wrong, for people.
        param: The field that it is about.
        code: A word for programs.
    """
    kind = SERVER if status >= 500 else INVALID
    fault: OpenAIFault = {"message": message, "type": kind, "param": param, "code": code}
    body: OpenAIError = {"error": fault}
    final = {} if status == 503 else {"x-should-retry": "false"}
    return Response(body, status=status, headers=final)


def refuse(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> ApiError:
    return ApiError(openai_error(status, message, param, code))


def openai_handle(problem: Exception, context: Mapping[str, Any]) -> Response:
    """REST framework's exception handler for these routes."""
    response = handle(problem, context)
    body: Any = response.data
    if isinstance(body.get("error"), dict) and "param" in body["error"]:
        return response
    answer = openai_error(response.status_code, error_message(response))
    for name, value in response.headers.items():
        answer.headers.setdefault(name, value)
    return answer


def is_openai(request: HttpRequest) -> bool:
    """Whether this request's client expects errors in OpenAI's shape."""
    return request.path_info.startswith("/v1/")


def to_openai_error(response: HttpResponse) -> HttpResponse:
    """Converts a refusal made before any view (`detail`) to OpenAI's shape; keeps its headers."""
    if not isinstance(response, JsonResponse):
        return response
    said = json.loads(response.content)["detail"]
    code = "invalid_api_key" if response.status_code == 401 else None
    body = openai_error(response.status_code, said, code=code)
    answer = JsonResponse(body.data, status=response.status_code)
    for name, value in (*body.headers.items(), *response.headers.items()):
        answer.headers.setdefault(name, value)
    return answer

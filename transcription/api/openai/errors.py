"""What is wrong, in the shape of OpenAI's clients: `error` with message, type, param and code."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.response import Response

from transcription.api.errors import ApiError, handle
from transcription.api.forms.parts import error_message

INVALID, SERVER = "invalid_request_error", "server_error"


def openai_error(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> Response:
    """A refusal.

    A fault of ours that would only come again says `x-should-retry: false`: OpenAI's own clients
    would otherwise send the whole recording twice more.

    Args:
        status: The HTTP status.
        message: What is wrong, for people.
        param: The field that it is about.
        code: A word for programs.
    """
    kind = SERVER if status >= 500 else INVALID
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    final = {} if status == 503 else {"x-should-retry": "false"}
    return Response(body, status=status, headers=final)


def refuse(
    status: int, message: str, param: str | None = None, code: str | None = None
) -> ApiError:
    """The same, to be raised."""
    return ApiError(openai_error(status, message, param, code))


def openai_handle(problem: Exception, context: Mapping[str, Any]) -> Response:
    """Turn whatever a view of these routes raised into an answer (REST framework's handler)."""
    response = handle(problem, context)
    body: Any = response.data
    if isinstance(body.get("error"), dict) and "param" in body["error"]:
        return response
    answer = openai_error(response.status_code, error_message(response))
    for name, value in response.headers.items():
        answer.headers.setdefault(name, value)
    return answer


def is_openai(request: HttpRequest) -> bool:
    """Whether the client of this request reads errors in OpenAI's shape."""
    return request.path_info.startswith("/v1/")


def to_openai_error(response: HttpResponse) -> HttpResponse:
    """A refusal that was made before any view (`detail`), in OpenAI's shape; its headers stay."""
    if not isinstance(response, JsonResponse):
        return response
    said = json.loads(response.content)["detail"]
    code = "invalid_api_key" if response.status_code == 401 else None
    body = openai_error(response.status_code, said, code=code)
    answer = JsonResponse(body.data, status=response.status_code)
    for name, value in (*body.headers.items(), *response.headers.items()):
        answer.headers.setdefault(name, value)
    return answer

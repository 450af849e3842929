"""The three error shapes of the API.

They are `detail` with a text, `detail` with a list of faults (422), and `error` with a code. Each
error keeps its shape, because a client that reads one shape shows nothing for the others.
"""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from transcription.api.shapes import Detail, DomainFault, Fault, HTTPValidationError
from uploads.errors import UploadError
from uploads.services.error_mapping import DISK_IS_FULL, is_disk_full

logger = logging.getLogger(__name__)

TEMPORARY = "A temporary system error occurred. Please try again later."
INTERNAL = "An unexpected error occurred. Please contact support if the problem persists."


class ApiError(Exception):
    """Ends the request with this response, wherever it is raised.

    Args:
        response: The response.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Invalid(ApiError):
    """422: parameters or body are invalid.

    Args:
        faults: All faults of the request, those of the query first.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        body: HTTPValidationError = {"detail": list(faults)}
        super().__init__(Response(body, status=422))


def detail(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error with a text (`detail`)."""
    body: Detail = {"detail": text}
    return Response(body, status=status, headers=dict(headers or {}))


def missing(*loc: str) -> Fault:
    """The fault of a missing part or parameter."""
    return {"type": "missing", "loc": list(loc), "msg": "Field required", "input": None}


def domain_error(status: int, code: str, message: str, **details: Any) -> Response:
    """An error of the service (`error` with code and correlation id)."""
    correlation_id = str(uuid.uuid4())
    error: DomainFault = {"message": message, "code": code, "correlation_id": correlation_id}
    return Response({"error": {**error, **details}}, status=status)


def task_not_found(identifier: str) -> Response:
    """404 for an identifier that isn't a task of this user."""
    return domain_error(
        404,
        "TASK_NOT_FOUND",
        "The requested task could not be found. Please check the task ID.",
        identifier=identifier,
    )


def unreadable_audio(reason: str, original_error: str | None = None) -> Response:
    """400 for a file without readable audio."""
    return domain_error(
        400,
        "AUDIO_PROCESSING_ERROR",
        "Audio processing failed. Please try again or use a different audio file.",
        reason=reason,
        original_error=original_error,
    )


def internal_error() -> Response:
    """500; only the log says why."""
    return domain_error(500, "INTERNAL_ERROR", INTERNAL)


def handle(problem: Exception, context: Mapping[str, Any]) -> Response:
    """REST framework's exception handler for API views."""
    if isinstance(problem, ApiError):
        return problem.response
    if isinstance(problem, UploadError):
        return detail(problem.status, problem.message, problem.headers)
    if isinstance(problem, Http404):
        return detail(404, "Not Found")
    if isinstance(problem, RequestDataTooBig):
        return detail(413, "The request is larger than this server accepts.")
    if isinstance(problem, APIException):
        return detail(problem.status_code, str(problem.detail))
    if isinstance(problem, PermissionDenied):
        return detail(403, "Forbidden")
    if isinstance(problem, SuspiciousOperation):
        return detail(400, "There was an error parsing the request")
    path = getattr(context.get("request"), "path", "")
    if is_disk_full(problem):
        logger.warning("%s: the disk is full (%s)", path, problem)
        return detail(507, DISK_IS_FULL, {"Retry-After": "60"})
    if isinstance(problem, OperationalError | InterfaceError):  # down, or locked
        logger.warning("%s: the database failed: %s", path, problem)
        return domain_error(503, "DATABASE_OPERATION_ERROR", TEMPORARY)
    logger.error("%s: %s", path, type(problem).__name__, exc_info=problem)
    if isinstance(problem, DatabaseError):
        return domain_error(503, "DATABASE_OPERATION_ERROR", TEMPORARY)
    return internal_error()

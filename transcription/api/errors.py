"""The shapes in which the API says what is wrong."""

import uuid
from typing import Any

from rest_framework.response import Response


def domain_error(status: int, code: str, message: str, **details: Any) -> Response:
    """A refusal by the rules of the service (`error` with code and correlation id)."""
    error = {"message": message, "code": code, "correlation_id": str(uuid.uuid4()), **details}
    return Response({"error": error}, status=status)


def task_not_found(identifier: str) -> Response:
    """404 for an identifier that names no task of this person."""
    return domain_error(
        404,
        "TASK_NOT_FOUND",
        "The requested task could not be found. Please check the task ID.",
        identifier=identifier,
    )

"""Is the service there, does it live, is it ready: for monitors, open to everybody."""

import time
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.conf import conf
from transcription.models import Job

PATIENCE = 3  # seconds to wait for the database


class OpenView(ApiView):
    """A route that needs nobody to be known, so no database either."""

    authentication_classes: list[Any] = []


class Health(OpenView):
    """GET `/health`."""

    def get(self, request: Request) -> Response:
        """The service is there."""
        return Response({"status": "ok", "message": "Service is running"})


class Live(OpenView):
    """GET `/health/live`."""

    def get(self, request: Request) -> Response:
        """The process lives."""
        return Response(
            {"status": "ok", "timestamp": time.time(), "message": "Application is live"}
        )


class Ready(OpenView):
    """GET `/health/ready`."""

    def get(self, request: Request) -> Response:
        """The database answers with our tables, so requests can be served; else 503."""
        if database_answers():
            return answer("ok", "connected", "Application is ready to accept requests", 200)
        message = "Application is not ready due to an internal error."
        return answer("error", "disconnected", message, 503)


def database_answers() -> bool:
    """Whether the database lets us in and has our tables.

    Asked over a connection of its own, which gives up soon: monitors do not wait as long as people
    do for one out of the pool.
    """
    own = connection.copy()
    options = own.settings_dict["OPTIONS"]
    options.pop("pool", None)
    options["timeout" if own.vendor == "sqlite" else "connect_timeout"] = PATIENCE
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {own.ops.quote_name(Job._meta.db_table)} LIMIT 1")
    except DatabaseError:
        return False
    finally:
        own.close()
    return True


def answer(state: str, database: str, message: str, status: int) -> Response:
    """What monitors read."""
    gpu = {"max_concurrent_tasks": conf.MAX_CONCURRENT_GPU_TASKS}
    body = {"status": state, "database": database, "gpu": gpu, "message": message}
    return Response(body, status=status)

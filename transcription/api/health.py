"""Health checks for monitors, without login."""

import time
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.conf import conf
from transcription.services.readiness import readiness


class PublicView(ApiView):
    """A route without login, so that it needs no database."""

    authentication_classes: list[Any] = []


class Health(PublicView):
    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "message": "Service is running"})


class Live(PublicView):
    def get(self, request: Request) -> Response:
        return Response(
            {"status": "ok", "timestamp": time.time(), "message": "Application is live"}
        )


class Ready(PublicView):
    def get(self, request: Request) -> Response:
        """Whether requests can be served; a full disk only refuses uploads."""
        found = readiness()
        database = "connected" if found.has_database else "disconnected"
        body = {
            "database": database,
            "gpu": {"max_concurrent_tasks": conf.MAX_CONCURRENT_GPU_TASKS},
        }
        if not found.problem:
            message = "Application is ready to accept requests"
            return Response({"status": "ok", **body, "message": message})
        message = "Application is not ready due to an internal error."
        told = {"status": "error", **body, "message": message, "problem": found.problem}
        return Response(told, status=503)

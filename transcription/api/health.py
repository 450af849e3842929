"""Health checks for monitors, without login."""

import time
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api import shapes
from transcription.api.base import ApiView
from transcription.api.schema.responses import Answer
from transcription.conf import conf
from transcription.services.readiness import readiness


class PublicView(ApiView):
    """A route without login, so that it needs no database."""

    tag = "Health"
    authentication_classes: list[Any] = []


class Health(PublicView):
    """The service is up.

    Open to everybody.
    """

    operation_id = "health"
    answers = {200: Answer("It is up.", shapes.Health)}

    def get(self, request: Request) -> Response:
        body: shapes.Health = {"status": "ok", "message": "Service is running"}
        return Response(body)


class Live(PublicView):
    """The process is alive.

    Open to everybody.
    """

    operation_id = "health_live"
    answers = {200: Answer("It is alive.", shapes.Liveness)}

    def get(self, request: Request) -> Response:
        now, message = time.time(), "Application is live"
        body: shapes.Liveness = {"status": "ok", "timestamp": now, "message": message}
        return Response(body)


class Ready(PublicView):
    """Ready to serve requests.

    No login needed. Checks that the database answers, and that the upload store is available,
    belongs to it, and is writable. A full disk only refuses uploads (507).
    """

    operation_id = "health_ready"
    answers = {
        200: Answer("It is ready.", shapes.Readiness),
        503: Answer("It isn't ready, and why.", shapes.NotReady),
    }

    def get(self, request: Request) -> Response:
        found = readiness()
        body: shapes.Readiness = {
            "status": "error" if found.problem else "ok",
            "database": "connected" if found.has_database else "disconnected",
            "gpu": {"max_concurrent_tasks": conf.MAX_CONCURRENT_GPU_TASKS},
            "message": "Application is ready to accept requests",
        }
        if not found.problem:
            return Response(body)
        body["message"] = "Application is not ready due to an internal error."
        reason: shapes.NotReady = {**body, "problem": found.problem}
        return Response(reason, status=503)

"""Is the service there, does it live, is it ready: for monitors, open to everybody."""

import time

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

GPU = {"max_concurrent_tasks": 1}


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """The service is there."""
    return JsonResponse({"status": "ok", "message": "Service is running"})


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """The process lives."""
    return JsonResponse(
        {"status": "ok", "timestamp": time.time(), "message": "Application is live"}
    )


@require_GET
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers, so requests can be served; else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return JsonResponse(
            {
                "status": "error",
                "database": "disconnected",
                "gpu": GPU,
                "message": "Application is not ready due to an internal error.",
            },
            status=503,
        )
    return JsonResponse(
        {
            "status": "ok",
            "database": "connected",
            "gpu": GPU,
            "message": "Application is ready to accept requests",
        }
    )

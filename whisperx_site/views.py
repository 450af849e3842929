"""Pages of the site itself."""

import logging
import sys

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from transcription.api.errors import internal_error
from transcription.api.paths import is_api_path
from uploads.services.error_mapping import DISK_IS_FULL, is_disk_full
from whisperx_site.accounts.access import SAFE_METHODS
from whisperx_site.middleware.responses import is_for_people

logger = logging.getLogger(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a logged-in request without a valid CSRF token."""
    detail = (
        "The page's security token is missing or too old: reload the page and try again. "
        "Scripts with a session send the token as X-CSRFToken."
    )
    return problem(request, 403, detail)


def admin_without_slash(request: HttpRequest) -> HttpResponse:
    """Redirects `/admin` to `/admin/`, the only path that needs its slash."""
    unsafe = request.method not in SAFE_METHODS
    return redirect("/admin/", permanent=unsafe, preserve_request=unsafe)


def problem(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """An error: a page for browsers, `detail` for programs."""
    if is_for_people(request):
        return render(request, f"{status}.html", {"exception": detail}, status=status)
    return JsonResponse({"detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = str(exception) if isinstance(exception, BadRequest) else ""
    return problem(request, 400, said or "Bad Request")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, 403, "Forbidden")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = exception.args[0] if exception.args else ""
    return problem(request, 404, said if isinstance(said, str) and said else "Not Found")


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for errors of the server, 507 for a full disk."""
    fault = sys.exception()
    if is_disk_full(fault):
        logger.warning("%s: the disk is full (%s)", request.path, fault)
        response = problem(request, 507, DISK_IS_FULL)
        response["Retry-After"] = "60"
        response._has_been_logged = True  # type: ignore[attr-defined]  # no fault of the program's
        return response
    if is_api_path(request.path_info):
        return JsonResponse(internal_error().data, status=500)
    return problem(request, 500, "An internal error occurred. The server's log has the details.")

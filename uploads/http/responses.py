"""Responses shared by all upload URLs: errors, capabilities, state headers."""

import logging
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from uploads.bodies.registry import tells_trailers
from uploads.conf import conf
from uploads.errors import UploadError
from uploads.hooks import hooks
from uploads.http.checksums import ALGORITHMS
from uploads.http.protocol import VERSION, format_expires
from uploads.models import State, Upload
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

EXTENSIONS = (
    *("creation", "creation-with-upload", "creation-defer-length", "expiration", "termination"),
    *("checksum", "checksum-trailer", "concatenation", "concatenation-unfinished"),
)
"""The tus extensions, in the order of OPTIONS."""


def refusal_answer(
    request: HttpRequest, refusal: UploadError, upload: Upload | None
) -> HttpResponse:
    """The response to a refused request.

    Args:
        request: The refused request.
        refusal: The error.
        upload: The upload, if it was found.
    """
    fault = refusal.status >= 500
    level = logging.WARNING if fault else logging.INFO
    logger.log(level, "%s %s: %s %s", request.method, request.path, refusal.status, refusal.logged)
    response: HttpResponse = JsonResponse(
        {"detail": refusal.message}, status=refusal.status, reason=refusal.reason
    )
    if request.method == "HEAD":
        response = HttpResponse(status=refusal.status)
    for name, value in refusal.headers.items():
        response[name] = value
    if upload is not None:
        add_expiry(response, upload)
    response["Cache-Control"] = "no-store"
    # Already logged; Django would log it again as an error, though a full disk is no bug.
    response._has_been_logged = fault  # type: ignore[attr-defined]
    return response


def capabilities(request: HttpRequest, methods: Iterable[str]) -> HttpResponse:
    """What this server supports (tus core: OPTIONS)."""
    response = HttpResponse(status=204)
    response["Allow"] = ", ".join(methods)
    response["Tus-Version"] = VERSION
    offered = extensions(request.META)
    response["Tus-Extension"] = ",".join(offered)
    response["Tus-Max-Size"] = str(conf.UPLOADS_MAX_SIZE)
    if "checksum" in offered:
        response["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
    return response


def extensions(environ: dict[str, Any]) -> list[str]:
    """The extensions that the store and the web server's body reader support."""
    offered = store().extensions
    if not tells_trailers(environ):
        offered -= {"checksum-trailer"}
    return [name for name in EXTENSIONS if name in offered]


def add_expiry(response: HttpResponseBase, upload: Upload) -> None:
    """Adds Upload-Expires, if the upload can expire (tus: expiration)."""
    if upload.expires and upload.state in (State.RECEIVING, State.FINISHED):
        response["Upload-Expires"] = format_expires(upload.expires)


def add_state(response: HttpResponseBase, upload: Upload) -> None:
    """Adds the headers that depend on the upload's state: expiration, and the site's own."""
    add_expiry(response, upload)
    if upload.state == State.FINISHED:
        for name, value in hooks().finished_headers(upload).items():
            response[name] = value

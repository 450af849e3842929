"""Counts upload requests from outside: a WSGI application around the site's own.

It sees methods, headers and statuses, so `uploads` itself need not know of it. Without METRICS it
is not there at all.
"""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from whisperx_site.monitoring import counters
from whisperx_site.monitoring.counters import BYTES, INTERRUPTIONS, RESUMES, Counters
from whisperx_site.serving.fast_path import UPLOADS_ROOT

Headers = list[tuple[str, str]]


class CountedUploads:
    """Serves all requests with `application`, and counts those for uploads."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(UPLOADS_ROOT):
            return self.application(environ, start_response)
        told: list[Any] = []

        def begin(*answer: Any) -> Any:
            told[:] = answer
            return start_response(*answer)

        began = perf_counter()
        response = self.application(environ, begin)
        seconds = perf_counter() - began
        found = counters.of_this_process()
        if found is not None and told:
            count(found, environ, int(told[0][:3]), told[1], seconds)
        return response


def count(
    counters: Counters, environ: dict[str, Any], status: int, headers: Headers, seconds: float
) -> None:
    """Counts one request.

    Args:
        counters: Where.
        environ: Of the request.
        status: Of its answer.
        headers: Of its answer.
        seconds: Until its answer began; all its bytes had come by then.
    """
    meant: str = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "")
    method = meant.strip().upper() or environ["REQUEST_METHOD"]
    if method == "PATCH":
        counters.took(seconds)
    if status >= 400:
        counters.refused(status)
        if status == 408:
            counters.add(INTERRUPTIONS)
    elif method == "PATCH":
        count_bytes(counters, environ, offset_in(headers) - int(environ["HTTP_UPLOAD_OFFSET"]))
    elif method == "POST" and status == 201:
        count_bytes(counters, environ, offset_in(headers))
    elif method == "HEAD" and is_unfinished(headers):
        counters.add(RESUMES)


def count_bytes(counters: Counters, environ: dict[str, Any], received: int) -> None:
    """Counts the bytes that a request brought, and whether it was cut off."""
    if received > 0:
        counters.add(BYTES, received)
    declared: str = environ.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared) > received:
        counters.add(INTERRUPTIONS)


def offset_in(headers: Headers) -> int:
    return int(value_of(headers, "Upload-Offset") or 0)


def is_unfinished(headers: Headers) -> bool:
    """Whether bytes are held, and others are missing."""
    offset, length = value_of(headers, "Upload-Offset"), value_of(headers, "Upload-Length")
    return bool(offset) and offset != "0" and offset != length


def value_of(headers: Headers, name: str) -> str:
    for given, value in headers:
        if given == name:
            return value
    return ""

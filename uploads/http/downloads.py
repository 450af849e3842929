"""A finished upload as a response to GET, whole or in part (RFC 9110, sections 13 to 15)."""

from typing import BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from uploads.errors import PreconditionFailed
from uploads.hooks import hooks
from uploads.http.ranges import FileSlice, names_etag, parse_range
from uploads.models import Upload

BLOCK_BYTES = 64 * 1024


def file_response(
    request: HttpRequest, upload: Upload, file: BinaryIO, method: str
) -> HttpResponseBase:
    """The response with a finished upload's bytes.

    Args:
        request: Its conditions and range headers count.
        upload: A finished upload.
        file: Its bytes; closed with the response.
        method: GET, or HEAD for the headers alone.

    Raises:
        PreconditionFailed: If-Match names another file.
        RangeUnsatisfiable: The range is outside the file.
    """
    size = upload.length or 0
    etag = f'"{upload.id.hex}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if not names_etag(request.headers.get("If-Match", "*"), etag):
        raise PreconditionFailed
    if names_etag(request.headers.get("If-None-Match", ""), etag, weak=True):
        file.close()
        return HttpResponse(status=304, headers=headers)
    # Only GET has ranges, and If-Range needs a strong comparison.
    ranged = method == "GET" and request.headers.get("If-Range", etag) == etag
    part = parse_range(request.headers.get("Range", ""), size) if ranged else None
    start, count = part or (0, size)
    headers["Content-Length"] = str(count)
    if part:
        headers["Content-Range"] = f"bytes {start}-{start + count - 1}/{size}"
    return with_body(upload, FileSlice(file, start, count), headers, method, 206 if part else 200)


def with_body(
    upload: Upload, part: FileSlice, headers: dict[str, str], method: str, status: int
) -> HttpResponseBase:
    """Media is shown inline under a sandbox policy; everything else is a download."""
    kind = hooks().content_type(upload)
    headers |= {
        "Content-Disposition": content_disposition_header(
            not kind, upload.file_name or upload.id.hex
        )
        or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    content_type = kind or "application/octet-stream"
    if method == "HEAD":
        part.close()
        return HttpResponse(status=status, content_type=content_type, headers=headers)
    response = FileResponse(part, status=status, content_type=content_type)
    response.block_size = BLOCK_BYTES
    for name, value in headers.items():
        response[name] = value
    return response

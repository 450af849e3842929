"""Every error of the upload protocol, one class each, with its HTTP status and message.

Services raise them; `uploads.views` turns them into responses.
"""

from collections.abc import Mapping


class UploadError(Exception):
    """A request is refused and has changed nothing.

    Attributes:
        status: The HTTP status of the response.
        message: What is wrong and what to do.
        headers: Headers of the response.
        logged: The log line: the message, unless that may quote a secret.
    """

    status = 400
    reason: str | None = None  # None: the standard phrase for this status
    message = "The request is malformed."
    close_connection = False  # close the connection after the response, whatever is unread

    def __init__(
        self, message: str = "", headers: Mapping[str, str] | None = None, logged: str = ""
    ) -> None:
        self.message = message or self.message
        self.logged = logged or self.message
        self.headers = dict(headers or {})
        super().__init__(self.message)


class BadRequest(UploadError):
    """A header or body can't be parsed."""

    message = "A header or the body cannot be read."


class NotFound(UploadError):
    """There is no such upload, or it belongs to another user: both look the same on purpose."""

    status = 404
    message = "This upload doesn't exist. Start a new one."


class Gone(UploadError):
    """The upload existed and ended without being finished."""

    status = 410
    message = "This upload has ended. Start a new one."
    close_connection = True  # Gone, for a request that was still writing when the upload ended.


class BadFraming(BadRequest):
    """The chunked framing or its trailer is malformed; the bytes before it are kept."""

    message = (
        "The chunks of the body or its trailer are malformed. The bytes before them are kept, "
        "unless they have a checksum. Resume at the offset that HEAD returns."
    )


class RequestTimeout(UploadError):
    """No bytes came for UPLOADS_IDLE_TIMEOUT; what arrived is kept."""

    status = 408
    message = "The body sent no bytes for too long. Resume at the offset that HEAD returns."


class OffsetConflict(UploadError):
    """PATCH at another offset than the upload's, or superseded by a newer request."""

    status = 409
    message = "Upload-Offset is not this upload's offset. Get it with HEAD and resume there."


class Superseded(OffsetConflict):
    """A newer request has taken over writing; this client is assumed to be disconnected."""

    message = "A newer request has taken over this upload. Get its offset with HEAD."
    close_connection = True


class LengthRequired(UploadError):
    """This server can't find the end of the body."""

    status = 411
    message = "Send a Content-Length: this web server doesn't support chunked bodies."


class VersionUnsupported(UploadError):
    """Tus-Resumable is missing or names another version (tus 1.0.0, Tus-Version)."""

    status = 412
    message = "Send the header Tus-Resumable: 1.0.0."


class PreconditionFailed(UploadError):
    """If-Match names another file than the stored one."""

    status = 412
    message = "If-Match names another file than this one."


class TooLarge(UploadError):
    """More bytes than the server, or the upload's length, allows."""

    status = 413
    message = "This is larger than the server accepts."


class WrongContentType(UploadError):
    """The body's Content-Type is not that of upload data."""

    status = 415
    message = "Send upload data as Content-Type: application/offset+octet-stream."


class ContentCoded(UploadError):
    """The body has a Content-Encoding; offsets count the bytes of the file itself."""

    status = 415
    message = "Send the bytes without Content-Encoding: the server doesn't decode them."

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "identity"})  # RFC 9110, section 12.5.3


class Refused(UploadError):
    """The site's hook permanently refuses this upload, with the status it chooses."""

    status = 415

    def __init__(self, message: str, status: int = 415, logged: str = "") -> None:
        super().__init__(message, logged=logged)
        self.status = status


class Conflict(UploadError):
    """The upload conflicts with something that the site already has."""

    status = 409


class Forbidden(UploadError):
    """A final upload is joined from its parts and accepts no bytes itself (tus: concatenation)."""

    status = 403
    message = "A final upload accepts no bytes. Send them to its parts."


class ChecksumMismatch(UploadError):
    """The bytes don't match Upload-Checksum; none of them are kept (tus: checksum)."""

    status = 460
    reason = "Checksum Mismatch"
    message = "The bytes don't match Upload-Checksum. None were kept; send them again."


class MethodNotAllowed(UploadError):
    """The address doesn't support this method."""

    status = 405
    message = "This address doesn't support that method."


class RangeUnsatisfiable(UploadError):
    """The Range names bytes that the file doesn't have."""

    status = 416
    message = "The file doesn't have these bytes."


class Unavailable(UploadError):
    """The disk or the database failed; nothing is lost, and the client may retry."""

    status = 503
    message = "The server can't store anything right now. Try again shortly."

    def __init__(self, message: str = "", retry_after: int = 5) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)})


class TooManyRequests(UploadError):
    """The client exceeds its share of the server; it may retry later."""

    status = 429
    message = "Too many requests at once. Try again shortly."

    def __init__(self, message: str = "", retry_after: int = 5) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)})


class DiskFull(Unavailable):
    """There is not enough free disk space."""

    status = 507
    message = "The server's disk is too full for this upload. Try again later."

    def __init__(self, message: str = "") -> None:
        super().__init__(message, retry_after=60)

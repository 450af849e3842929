"""Every refusal of the upload protocol: one row each, with its status and its sentence.

Rules raise them; `uploads.views` alone turns them into answers.
"""

from collections.abc import Mapping


class UploadError(Exception):
    """A request that is refused and has changed nothing.

    Attributes:
        status: The HTTP status of the answer.
        message: What is wrong and what to do, for people.
        headers: Headers that the answer must carry.
        logged: What the log says: the message, unless that quotes what may hold a secret.
    """

    status = 400
    reason: str | None = None  # None: as HTTP calls this status
    message = "The request is malformed."
    close_connection = (
        False  # whether the connection ends with the answer, whatever is still unread
    )

    def __init__(
        self, message: str = "", headers: Mapping[str, str] | None = None, logged: str = ""
    ) -> None:
        self.message = message or self.message
        self.logged = logged or self.message
        self.headers = dict(headers or {})
        super().__init__(self.message)


class BadRequest(UploadError):
    """A header or body that cannot be read."""


class NotFound(UploadError):
    """No such upload, or another person's: the two look alike on purpose."""

    status = 404
    message = "There is no such upload. Start a new one."


class Gone(UploadError):
    """The upload existed and has ended without being finished."""

    status = 410
    message = "This upload has ended. Start a new one."
    close_connection = True  # for the request that was still writing when it ended


class BadFraming(BadRequest):
    """The chunks of the body, or its trailer, cannot be read; what came before them is kept."""

    message = (
        "The chunks of the body or its trailer are malformed. What came before is kept, unless it "
        "has a checksum. Go on from the offset that HEAD tells."
    )


class RequestTimeout(UploadError):
    """The body brought no byte for UPLOADS_IDLE_TIMEOUT; what came is kept."""

    status = 408
    message = "The body brought no byte for too long. Go on from the offset that HEAD tells."


class OffsetConflict(UploadError):
    """PATCH at another offset than the bytes held, or overtaken by a newer request."""

    status = 409
    message = "The offset is not where this upload stands. Ask for it with HEAD and go on there."


class Superseded(OffsetConflict):
    """A newer request has taken the right to write; this connection's client is thought gone."""

    message = "A newer request has taken over this upload. Ask with HEAD where it stands."
    close_connection = True


class LengthRequired(UploadError):
    """This server cannot find the end of the body."""

    status = 411
    message = "Send the body with a Content-Length; this web server does not tell where it ends."


class VersionUnsupported(UploadError):
    """Tus-Resumable is missing or names another version (tus 1.0.0, Tus-Version)."""

    status = 412
    message = "Send the header Tus-Resumable: 1.0.0."


class PreconditionFailed(UploadError):
    """If-Match names another file than the one held."""

    status = 412
    message = "This is not the file that If-Match names."


class TooLarge(UploadError):
    """More bytes than the server or the upload's own length allows."""

    status = 413
    message = "This is larger than the server takes."


class WrongContentType(UploadError):
    """The body is not marked as upload data."""

    status = 415
    message = "Send upload data as Content-Type: application/offset+octet-stream."


class ContentCoded(UploadError):
    """The body is packed (gzip, br …), and offsets count the bytes of the file itself."""

    status = 415
    message = "Send the bytes as they are, without Content-Encoding: they are not unpacked here."

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "identity"})  # RFC 9110, section 12.5.3


class Refused(UploadError):
    """The site's hook does not want this upload; final, and said with its own status."""

    status = 415

    def __init__(self, message: str, status: int = 415, logged: str = "") -> None:
        super().__init__(message, logged=logged)
        self.status = status


class Conflict(UploadError):
    """The upload contradicts something that the site already holds."""

    status = 409


class Forbidden(UploadError):
    """A final upload is joined from its parts and takes no bytes itself (tus: concatenation)."""

    status = 403
    message = "A final upload takes no bytes: send them to its parts."


class ChecksumMismatch(UploadError):
    """The bytes are not those that the client meant; none of them are kept (tus: checksum)."""

    status = 460
    reason = "Checksum Mismatch"
    message = "The bytes do not match Upload-Checksum; none of them were kept. Send them again."


class MethodNotAllowed(UploadError):
    """The address does not know this method."""

    status = 405
    message = "This address does not know that method."


class RangeUnsatisfiable(UploadError):
    """GET asks for bytes that the file does not have."""

    status = 416
    message = "The file does not have these bytes."


class Unavailable(UploadError):
    """Disk or database do not answer; nothing is lost, and it may go on later."""

    status = 503
    message = "The server cannot store anything at the moment. Try again shortly."

    def __init__(self, message: str = "", retry_after: int = 5) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)})


class TooManyRequests(UploadError):
    """The client asks for more at once than is its share; it may do so later."""

    status = 429
    message = "You ask for too much at once. Try again shortly."

    def __init__(self, message: str = "", retry_after: int = 5) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)})


class DiskFull(Unavailable):
    """Not enough free disk."""

    status = 507
    message = "The server's disk is too full for this upload. Try again later."

    def __init__(self, message: str = "") -> None:
        super().__init__(message, retry_after=60)

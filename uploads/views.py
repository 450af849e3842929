"""tus over HTTP: read headers, call one service, write headers."""

import logging
from contextlib import suppress
from typing import Any

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import View

from uploads.bodies import Body, is_coded, open_body
from uploads.checksums import ALGORITHMS
from uploads.conf import conf
from uploads.downloads import file_response
from uploads.errors import (
    Malformed,
    MethodNotAllowed,
    TooLarge,
    Unavailable,
    UploadError,
    VersionUnsupported,
    WrongContentType,
)
from uploads.extensions import extensions
from uploads.headers import (
    delivery_of,
    has_body,
    length_of,
    method_of,
    order_of,
    upload_id_in,
)
from uploads.hooks import hooks
from uploads.models import Concat, State, Upload
from uploads.protocol import (
    VERSION,
    format_expires,
    is_upload_data,
    parse_concat,
    parse_number,
)
from uploads.services.append import append
from uploads.services.concatenate import create_final, join
from uploads.services.create import create
from uploads.services.end import terminate
from uploads.services.find import find
from uploads.services.length import declare_length
from uploads.services.read import open_finished, settle

logger = logging.getLogger(__name__)


class TusView(View):
    """What every address of the protocol has in common."""

    body: Body | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the method, check the version, turn refusals into answers."""
        try:
            response = self.answer(request, method_of(request), kwargs.get("upload_id", ""))
        except UploadError as refusal:
            response = self.refusal(refusal)
        except DatabaseError:
            logger.exception("%s %s: the database failed", request.method, request.path)
            response = self.refusal(Unavailable())
        response["Tus-Resumable"] = VERSION
        if "Content-Length" not in response and not getattr(response, "content", b"unread"):
            del response["Content-Type"]  # it has no content, and is not HEAD of a file either
            if response.status_code == 201:
                response["Content-Length"] = "0"  # else it would be sent in chunks
        if self.body is not None:
            response._resource_closers.append(self.body.linger)  # type: ignore[attr-defined]
        return response

    def answer(self, request: HttpRequest, method: str, upload_id: str) -> HttpResponseBase:
        """Call the handler of the method (tus core: version negotiation)."""
        handler = getattr(self, method.lower(), None) if method in METHODS else None
        if handler is None:
            raise MethodNotAllowed(headers={"Allow": ", ".join(self.allowed())})
        version = request.headers.get("Tus-Resumable")
        if method not in ("OPTIONS", "GET") and version != VERSION:
            if method == "HEAD" and version is None:
                return self.head_of_file(request, upload_id)
            raise VersionUnsupported(headers={"Tus-Version": VERSION})
        response: HttpResponseBase = handler(request, upload_id)
        return response

    def allowed(self) -> list[str]:
        """The methods of this address."""
        return [method for method in METHODS if hasattr(self, method.lower())]

    def head_of_file(self, request: HttpRequest, upload_id: str) -> HttpResponseBase:
        """HEAD that does not speak tus: only a finished file answers it."""
        raise VersionUnsupported(headers={"Tus-Version": VERSION})

    def refusal(self, refusal: UploadError) -> HttpResponse:
        """The answer to a refused request; what the client still sends is not waited for."""
        if self.body is None and has_body(self.request):
            with suppress(UploadError):  # else nobody knows where it ends
                self.body = open_body(self.request.META)
        if self.body is not None:
            self.body.abandon()
        logger.info(
            "%s %s: %s %s",
            self.request.method,
            self.request.path,
            refusal.status,
            refusal.message,
        )
        response: HttpResponse = JsonResponse(
            {"detail": refusal.message}, status=refusal.status, reason=refusal.reason
        )
        if self.request.method == "HEAD":
            response = HttpResponse(status=refusal.status)
        for name, value in refusal.headers.items():
            response[name] = value
        response["Cache-Control"] = "no-store"
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What this server can do (tus core: OPTIONS)."""
        response = HttpResponse(status=204)
        response["Allow"] = ", ".join(self.allowed())
        response["Tus-Version"] = VERSION
        offered = extensions(request.META)
        response["Tus-Extension"] = ",".join(offered)
        response["Tus-Max-Size"] = str(conf.UPLOADS_MAX_SIZE)
        if "checksum" in offered:
            response["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
        return response

    def take_body(self, request: HttpRequest) -> Body:
        """The request's body, to be read once."""
        self.body = open_body(request.META)
        if is_coded(request.META):
            raise Malformed("Send the bytes as they are: no other Transfer-Encoding than chunked.")
        return self.body


METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")


def add_state(response: HttpResponseBase, upload: Upload) -> None:
    """Headers that follow from where the upload stands (tus: expiration; the site's own)."""
    if upload.state == State.FINISHED:
        for name, value in hooks().finished_headers(upload).items():
            response[name] = value
    elif upload.expires:
        response["Upload-Expires"] = format_expires(upload.expires)


class UploadsView(TusView):
    """`/uploads/files/`: where uploads are made."""

    def post(self, request: HttpRequest, *args: Any) -> HttpResponse:
        """Make an upload, and take its first bytes if they came along (tus: creation,
        creation-with-upload, concatenation)."""
        header = request.headers.get("Upload-Concat")
        parts = None if header is None else parse_concat(header)
        response = HttpResponse(status=201)
        if parts is not None:
            upload = self.create_final(request, parts)
        else:
            concat = Concat.NONE if header is None else Concat.PARTIAL
            upload = self.create_plain(request, concat, response)
        # Relative, so neither a forged Host nor a proxy's scheme can be wrong in it.
        response["Location"] = reverse("uploads:upload", args=[upload.id.hex])
        add_state(response, upload)
        return response

    def create_final(self, request: HttpRequest, parts: list[str]) -> Upload:
        """Join parts of one's own, on this host (tus: concatenation)."""
        if has_body(request) or "Upload-Length" in request.headers:
            raise Malformed("A final upload has neither Upload-Length nor a body of its own.")
        found = [find(upload_id_in(address, request), request.user) for address in parts]
        return create_final(order_of(request), found)

    def create_plain(self, request: HttpRequest, concat: Concat, response: HttpResponse) -> Upload:
        """Make an upload that takes bytes, the first of them perhaps from this request."""
        length = length_of(request)
        delivery = delivery_of(request, 0, self.take_body(request))
        if has_body(request):
            if not is_upload_data(request.headers.get("Content-Type", "")):
                raise WrongContentType
            if length is not None and (delivery.body.length or 0) > length:
                raise TooLarge("The body is longer than Upload-Length says.")
        upload = create(order_of(request), length, concat)
        if has_body(request) or length == 0:
            try:
                response["Upload-Offset"] = str(append(upload, delivery))
            except UploadError:
                # The client never learns the address of this upload: nobody would go on with it.
                if upload.state != State.REFUSED:
                    terminate(upload)
                raise
        return upload


class UploadView(TusView):
    """`/uploads/files/<id>`: one upload."""

    def head(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        """Where the upload stands (tus core: HEAD)."""
        upload = find(upload_id, request.user)
        response = HttpResponse()
        if upload.concat:
            response["Upload-Concat"] = upload.concat_header
        # A final upload has no offset until it is joined (tus: concatenation).
        if upload.concat != Concat.FINAL or join(upload):
            response["Upload-Offset"] = str(settle(upload))
        if upload.length is not None:
            response["Upload-Length"] = str(upload.length)
        else:
            response["Upload-Defer-Length"] = "1"
        if upload.metadata:
            response["Upload-Metadata"] = upload.metadata
        response["Cache-Control"] = "no-store"
        add_state(response, upload)
        return response

    def patch(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        """Take bytes (tus core: PATCH)."""
        if not is_upload_data(request.headers.get("Content-Type", "")):
            raise WrongContentType
        if "Upload-Offset" not in request.headers:
            raise Malformed("Say where the bytes belong: Upload-Offset.")
        offset = parse_number("Upload-Offset", request.headers["Upload-Offset"])
        delivery = delivery_of(request, offset, self.take_body(request))
        upload = find(upload_id, request.user)
        if "Upload-Length" in request.headers:
            length = parse_number("Upload-Length", request.headers["Upload-Length"])
            declare_length(upload, length)
        response = HttpResponse(status=204)
        response["Upload-Offset"] = str(append(upload, delivery))
        add_state(response, upload)
        return response

    def delete(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        """End the upload and free its bytes (tus: termination)."""
        terminate(find(upload_id, request.user))
        return HttpResponse(status=204)

    def get(self, request: HttpRequest, upload_id: str) -> HttpResponseBase:
        """The bytes of a finished upload, whole or in part."""
        return self.file(request, find(upload_id, request.user), "GET")

    def file(self, request: HttpRequest, upload: Upload, method: str) -> HttpResponseBase:
        """The answer to GET, or to HEAD that does not speak tus."""
        file = open_finished(upload)
        try:
            return file_response(request, upload, file, method)
        except UploadError:
            file.close()
            raise

    def head_of_file(self, request: HttpRequest, upload_id: str) -> HttpResponseBase:
        """The headers that GET would have, for a finished upload."""
        upload = find(upload_id, request.user)
        if upload.state != State.FINISHED:
            return super().head_of_file(request, upload_id)
        return self.file(request, upload, "HEAD")

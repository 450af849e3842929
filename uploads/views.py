"""tus over HTTP: read headers, call one service, write headers."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from uploads.bodies.base import Body
from uploads.bodies.registry import discard_body, is_coded, open_body
from uploads.errors import (
    BadFraming,
    BadRequest,
    ContentCoded,
    Forbidden,
    MethodNotAllowed,
    RequestTimeout,
    TooLarge,
    UploadError,
    VersionUnsupported,
    WrongContentType,
)
from uploads.http.downloads import file_response
from uploads.http.headers import (
    creation_request,
    delivery_of,
    has_body,
    is_packed,
    length_of,
    method_of,
    number_in,
    upload_ids_in,
    user_of,
)
from uploads.http.protocol import (
    VERSION,
    format_concat,
    is_upload_data,
    parse_concat,
)
from uploads.http.responses import add_state, capabilities, refusal_answer
from uploads.models import Concat, State, Upload
from uploads.services import queries
from uploads.services.activity import log_context
from uploads.services.append import append
from uploads.services.create import create
from uploads.services.create_final import create_final
from uploads.services.error_mapping import database_fault
from uploads.services.incoming import IncomingBytes
from uploads.services.lookup import get_for_user
from uploads.services.read import acknowledged_offset, is_joined, open_finished
from uploads.services.termination import abort_creation, terminate


class TusView(View):
    """Shared by all URLs of the protocol.

    Attributes:
        reads_body_itself: Middleware must not read the body.
    """

    reads_body_itself = True
    body: Body | None = None
    upload: Upload | None = None

    @classmethod
    def as_view(cls, **options: Any) -> Callable[..., HttpResponseBase]:
        """The view, exempt from CSRF checks and from ATOMIC_REQUESTS.

        No token is needed: a request that changes something must carry `Tus-Resumable` or
        `X-HTTP-Method-Override`, and browsers don't let pages of other origins send these headers
        unless CORS allows it. No transaction: received bytes count even if the request fails later,
        and a slow client must not keep one open.
        """
        view = csrf_exempt(super().as_view(**options))
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Finds the handler, checks the version, turns errors into responses."""
        upload_id = kwargs.get("upload_id", "")
        log_context.add(upload_id=upload_id)
        try:
            response = self.answer(request, method_of(request), upload_id)
        except UploadError as refusal:
            response = self.refusal(refusal)
        except DatabaseError as problem:
            response = self.refusal(database_fault(problem))
        response["Tus-Resumable"] = VERSION
        if "Content-Length" not in response and not getattr(response, "content", b"unread"):
            del response["Content-Type"]  # no content, and not a HEAD of a file either
            if response.status_code == 201:
                response["Content-Length"] = "0"  # otherwise it would be sent chunked
        if self.body is None and has_body(request):
            self.body = discard_body(request.META)
        if response.streaming or (self.body is not None and self.body.discarded):
            queries.release_connection()  # the client may take as long as it likes to send the body
        if self.body is not None:
            response._resource_closers.append(self.body.drain)  # type: ignore[attr-defined]
        return response

    def answer(self, request: HttpRequest, method: str, upload_id: str) -> HttpResponseBase:
        """Calls the method's handler (tus core: version negotiation)."""
        handler = getattr(self, method.lower(), None) if method in METHODS else None
        if handler is None:
            raise MethodNotAllowed(headers={"Allow": ", ".join(self.allowed())})
        version = request.headers.get("Tus-Resumable")
        if method != "OPTIONS" and version != VERSION and (method, version) != ("GET", None):
            # An overridden method's response would have a body, and HEAD of a file the file's
            # length.
            if request.method == method == "HEAD" and version is None:
                return self.head_of_file(request, upload_id)
            raise VersionUnsupported(headers={"Tus-Version": VERSION})
        response: HttpResponseBase = handler(request, upload_id)
        return response

    def allowed(self) -> list[str]:
        return [method for method in METHODS if hasattr(self, method.lower())]

    def head_of_file(self, request: HttpRequest, upload_id: str) -> HttpResponseBase:
        """HEAD without tus: only a finished file answers it."""
        raise VersionUnsupported(headers={"Tus-Version": VERSION})

    def refusal(self, refusal: UploadError) -> HttpResponse:
        """The response to a refused request; does not wait for the rest of the body."""
        if self.body is not None:
            self.body.discard(refusal.close_connection)
        elif has_body(self.request):
            self.body = discard_body(self.request.META, refusal.close_connection)
        return refusal_answer(self.request, refusal, self.upload)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What this server supports (tus core: OPTIONS)."""
        return capabilities(request, self.allowed())

    def take_body(self, request: HttpRequest) -> Body:
        """The request's body, to be read once."""
        self.body = open_body(request.META)
        if is_packed(request) and has_body(request):
            raise ContentCoded
        if is_coded(request.META):
            raise BadRequest("Send the bytes as they are: no other Transfer-Encoding than chunked.")
        return self.body


@cache
def uploads_url() -> str:
    """The path below which uploads are, without the host."""
    return reverse("uploads:upload", args=["-"]).removesuffix("-")


def upload_url(upload: Upload) -> str:
    """An upload's path. Reversing it each time costs as much as a database row, hence the cache."""
    return uploads_url() + upload.id.hex


LENGTHS = frozenset(("Upload-Length", "Upload-Defer-Length"))
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")


class UploadsView(TusView):
    """`/uploads/files/`: creates uploads."""

    def post(self, request: HttpRequest, *args: Any) -> HttpResponse:
        """Creates an upload, and stores its first bytes if the request has any (tus: creation,
        creation-with-upload, concatenation)."""
        header = request.headers.get("Upload-Concat")
        parts = None if header is None else parse_concat(header)
        response = HttpResponse(status=201)
        if parts is not None:
            upload = self.create_final(request, parts)
        else:
            concat = Concat.NONE if header is None else Concat.PARTIAL
            upload = self.create_plain(request, concat, response)
        # Relative, so that neither a forged Host nor a proxy's scheme can make it wrong.
        response["Location"] = upload_url(upload)
        add_state(response, upload)
        return response

    def create_final(self, request: HttpRequest, parts: list[str]) -> Upload:
        """Joins the user's own parts on this server (tus: concatenation)."""
        body = self.take_body(request)
        if not self.brings_nothing(body) or not LENGTHS.isdisjoint(request.headers):
            raise BadRequest("A final upload must not have a length or a body.")
        return create_final(creation_request(request), list(upload_ids_in(parts)))

    def create_plain(self, request: HttpRequest, concat: Concat, response: HttpResponse) -> Upload:
        """Creates an upload that receives bytes, perhaps the first from this request."""
        length = length_of(request)
        delivery = self.first_delivery(request)
        if length is not None and (delivery.body.length or 0) > length:
            raise TooLarge("The body is longer than Upload-Length.")
        upload = create(creation_request(request), length, concat)
        log_context.add(upload_id=upload.id.hex)
        response["Upload-Offset"] = "0"  # even without bytes: clients may ask for it
        if has_body(request) or length == 0:
            try:
                response["Upload-Offset"] = str(append(upload, delivery))
            except RequestTimeout:  # what arrived is kept, as with a cut body
                response["Upload-Offset"] = str(delivery.held)
            except (UploadError, DatabaseError):
                abort_creation(upload)
                raise
        return upload

    def brings_nothing(self, body: Body) -> bool:
        """Whether no bytes come: some clients always send a chunked body, even an empty one."""
        if body.length is None:
            queries.release_connection()  # the client may take as long as it likes
        empty = body.is_empty()
        if body.malformed:
            raise BadFraming
        return empty

    def first_delivery(self, request: HttpRequest) -> IncomingBytes:
        """The bytes in a creation request, if there are any (tus: creation-with-upload)."""
        body = self.take_body(request)
        kind = request.headers.get("Content-Type", "")
        is_data = is_upload_data(kind)
        has_checksum = "HTTP_UPLOAD_CHECKSUM" in request.META or "HTTP_TRAILER" in request.META
        # With Expect, the refusal comes before the body; without a Content-Type there's none to
        # refuse.
        asks_first = kind and "HTTP_EXPECT" in request.META
        empty = not has_body(request)
        if body.length is None and not asks_first and (has_checksum or not is_data):
            empty = self.brings_nothing(body)
        if empty:
            return IncomingBytes(
                0, body
            )  # without bytes, a checksum can only be that of the whole file
        if not is_data:
            raise WrongContentType
        return delivery_of(request, 0, body)


class UploadView(TusView):
    """`/uploads/files/<id>`: one upload."""

    def head(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        """The upload's offset (tus core: HEAD)."""
        upload = get_for_user(upload_id, user_of(request))
        response = HttpResponse()
        if upload.concat:
            response["Upload-Concat"] = format_concat(upload.concat_header)
        # A final upload has no offset until it is joined (tus: concatenation).
        if upload.concat != Concat.FINAL or is_joined(upload):
            response["Upload-Offset"] = str(acknowledged_offset(upload))
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
        """Appends bytes (tus core: PATCH)."""
        upload = self.upload = get_for_user(upload_id, user_of(request), to_change=True)
        if upload.concat == Concat.FINAL:
            raise Forbidden  # 403 comes before all other errors (tus: concatenation)
        if not is_upload_data(request.headers.get("Content-Type", "")):
            raise WrongContentType
        offset = number_in(request, "Upload-Offset")
        if offset is None:
            raise BadRequest("Send Upload-Offset: where the bytes start.")
        length = number_in(request, "Upload-Length")
        delivery = delivery_of(request, offset, self.take_body(request), length)
        response = HttpResponse(status=204)
        response["Upload-Offset"] = str(append(upload, delivery))
        add_state(response, upload)
        return response

    def delete(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        """Ends the upload and frees its bytes (tus: termination)."""
        terminate(get_for_user(upload_id, user_of(request), to_change=True))
        return HttpResponse(status=204)

    def get(self, request: HttpRequest, upload_id: str) -> HttpResponseBase:
        """The bytes of a finished upload, whole or a range."""
        return self.file(request, get_for_user(upload_id, user_of(request)), "GET")

    def file(self, request: HttpRequest, upload: Upload, method: str) -> HttpResponseBase:
        """The response to GET, or to HEAD without tus."""
        file = open_finished(upload)
        try:
            return file_response(request, upload, file, method)
        except UploadError:
            file.close()
            raise

    def head_of_file(self, request: HttpRequest, upload_id: str) -> HttpResponseBase:
        upload = get_for_user(upload_id, user_of(request))
        if upload.state != State.FINISHED:
            return super().head_of_file(request, upload_id)
        return self.file(request, upload, "HEAD")

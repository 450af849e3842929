"""What the headers of a request ask for."""

from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urljoin, urlsplit

from django.http import HttpRequest
from django.urls import reverse

from uploads.bodies.base import Body
from uploads.errors import BadRequest
from uploads.http.protocol import parse_number
from uploads.services.client_address import client_address
from uploads.services.create import CreationRequest
from uploads.services.incoming import IncomingBytes


def method_of(request: HttpRequest) -> str:
    """The method that is meant: X-HTTP-Method-Override, whatever the real one (tus core).

    Only the answer to a real HEAD has no body, so it cannot become a GET.
    """
    real = request.method or ""
    override = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE")
    if override is None:
        return real
    meant = override.strip().upper() or real
    return real if (real, meant) == ("HEAD", "GET") else meant


def has_body(request: HttpRequest) -> bool:
    """Whether the request announces a body that is not empty."""
    meta = request.META
    return meta.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in meta


def is_packed(request: HttpRequest) -> bool:
    """Whether the body is not the bytes themselves, but a coding of them."""
    coding = request.META.get("HTTP_CONTENT_ENCODING", "")
    return bool(coding) and coding.strip().lower() not in ("", "identity")


def creation_request(request: HttpRequest) -> CreationRequest:
    """What a POST asks for."""
    return CreationRequest(
        user=request.user,
        metadata=request.headers.get("Upload-Metadata", ""),
        concat=request.headers.get("Upload-Concat", ""),
        address=client_address(request.META),
        agent=request.headers.get("User-Agent", ""),
    )


def number_in(request: HttpRequest, name: str) -> int | None:
    """The number in a header that may be absent."""
    text = request.headers.get(name)
    return None if text is None else parse_number(name, text)


def length_of(request: HttpRequest) -> int | None:
    """The length that a POST announces; None: it follows (tus: creation, creation-defer-length)."""
    deferred = request.headers.get("Upload-Defer-Length")
    announced = number_in(request, "Upload-Length")
    if deferred is not None and (deferred != "1" or announced is not None):
        raise BadRequest("Upload-Defer-Length must be 1, and goes without Upload-Length.")
    if deferred is None and announced is None:
        raise BadRequest("Say how long the upload is: Upload-Length, in bytes.")
    return announced


def delivery_of(
    request: HttpRequest, offset: int, body: Body, length: int | None = None
) -> IncomingBytes:
    """What a request brings, and the checksum that it shall have.

    Args:
        request: For its headers.
        offset: Where its bytes belong.
        body: Its bytes.
        length: The upload's length, where a PATCH says it (tus: creation-defer-length).
    """
    trailers = request.headers.get("Trailer", "").lower().split(",")
    return IncomingBytes(
        offset=offset,
        body=body,
        length=length,
        checksum=request.headers.get("Upload-Checksum"),
        checksum_follows="upload-checksum" in {name.strip() for name in trailers},
    )


def upload_ids_in(addresses: Iterable[str]) -> Iterator[str]:
    """The identifiers in the addresses of parts, which must be those of uploads here.

    Relative addresses start from where uploads are made (RFC 3986, section 5). Hosts and ports say
    nothing: behind a proxy this site need not know the name that its clients have for it. Nothing
    is at stake, as a part is looked up here, by its identifier, among the uploads of who asks.

    Raises:
        BadRequest: One of them is no upload's.
    """
    uploads_url = reverse("uploads:uploads")
    here = f"http://any.host{uploads_url}"
    for address in addresses:
        try:
            pieces = urlsplit(urljoin(here, address))
            ours = bool(pieces.hostname) and "@" not in pieces.netloc
            ours = ours and pieces.scheme in ("http", "https") and pieces.port != 0
        except ValueError as problem:
            raise no_part(address, "is no address") from problem
        folder, _, upload_id = unquote(pieces.path).removesuffix("/").rpartition("/")
        if not ours or f"{folder}/" != uploads_url:
            raise no_part(address, "is no upload of this site")
        yield upload_id


def no_part(address: str, why: str) -> BadRequest:
    """The refusal of a part's address, which may hold a password: the log does not name it."""
    rest = f"in Upload-Concat {why}."
    return BadRequest(f"{address!r} {rest}", logged=f"An address {rest}")

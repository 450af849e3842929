"""Request headers, parsed into what the services need."""

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
from uploads.services.lookup import User


def method_of(request: HttpRequest) -> str:
    """The intended method: X-HTTP-Method-Override wins over the real one (tus core).

    A real HEAD stays one: its response has no body, so it can't become a GET.
    """
    real = request.method or ""
    override = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE")
    if override is None:
        return real
    meant = override.strip().upper() or real
    return real if (real, meant) == ("HEAD", "GET") else meant


def has_body(request: HttpRequest) -> bool:
    """Whether the request declares a body that is not empty."""
    meta = request.META
    return meta.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in meta


def is_packed(request: HttpRequest) -> bool:
    """Whether the body has a content coding."""
    coding = request.META.get("HTTP_CONTENT_ENCODING", "")
    return bool(coding) and coding.strip().lower() not in ("", "identity")


def user_of(request: HttpRequest) -> User | None:
    """The user; None if the site has no middleware that sets one."""
    return getattr(request, "user", None)


def creation_request(request: HttpRequest) -> CreationRequest:
    """The creation request in a POST's headers."""
    return CreationRequest(
        user=user_of(request),
        metadata=request.headers.get("Upload-Metadata", ""),
        concat=request.headers.get("Upload-Concat", ""),
        address=client_address(request.META),
        agent=request.headers.get("User-Agent", ""),
    )


def number_in(request: HttpRequest, name: str) -> int | None:
    """A header's number; None if the header is absent."""
    text = request.headers.get(name)
    return None if text is None else parse_number(name, text)


def length_of(request: HttpRequest) -> int | None:
    """The length that a POST declares; None if deferred (tus: creation, creation-defer-length)."""
    deferred = request.headers.get("Upload-Defer-Length")
    declared = number_in(request, "Upload-Length")
    if deferred is not None and (deferred != "1" or declared is not None):
        raise BadRequest("Upload-Defer-Length must be 1, without Upload-Length.")
    if deferred is None and declared is None:
        raise BadRequest("Send Upload-Length: the upload's length in bytes.")
    return declared


def delivery_of(
    request: HttpRequest, offset: int, body: Body, length: int | None = None
) -> IncomingBytes:
    """The bytes that a request brings, with the checksum they must have.

    Args:
        request: Its headers count.
        offset: Where its bytes start, in bytes.
        body: The reader of its bytes.
        length: The upload's length, if a PATCH declares it (tus: creation-defer-length).
    """
    trailers = request.headers.get("Trailer", "").lower().split(",")
    return IncomingBytes(
        offset=offset,
        body=body,
        length=length,
        checksum=request.headers.get("Upload-Checksum"),
        checksum_follows="upload-checksum" in {name.strip() for name in trailers},
        address=client_address(request.META),
    )


def upload_ids_in(addresses: Iterable[str]) -> Iterator[str]:
    """The identifiers in the URLs of parts, which must be uploads of this server.

    Relative URLs are resolved against the creation URL (RFC 3986, section 5). Host and port are
    ignored, because a site behind a proxy may not know its public name. That is safe: parts are
    looked up here by their identifier, among the user's own uploads.

    Raises:
        BadRequest: One of them is not the URL of an upload.
    """
    uploads_url = reverse("uploads:uploads")
    here = f"http://any.host{uploads_url}"
    for address in addresses:
        try:
            pieces = urlsplit(urljoin(here, address))
            ours = bool(pieces.hostname) and "@" not in pieces.netloc
            ours = ours and pieces.scheme in ("http", "https") and pieces.port != 0
        except ValueError as problem:
            raise no_part(address, "is not a URL") from problem
        folder, _, upload_id = unquote(pieces.path).removesuffix("/").rpartition("/")
        if not ours or f"{folder}/" != uploads_url:
            raise no_part(address, "is not an upload of this site")
        yield upload_id


def no_part(address: str, why: str) -> BadRequest:
    """The error for a part's URL, which is not logged because it may contain a password."""
    rest = f"in Upload-Concat {why}."
    return BadRequest(f"{address!r} {rest}", logged=f"A URL {rest}")

"""The HTTP client for URLs given by clients.

A host is resolved once per connection, all its addresses are checked, and the connection goes to
one of those: nothing is resolved again between check and use. Every redirect is a new connection,
so this also applies to redirects. Host header, server name (SNI) and certificate check keep the
host's name. Proxies of the environment are not used: they would resolve the name themselves.

It uses plain blocking sockets, which gevent makes cooperative.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import urlsplit

import httpcore2
import httpx2

from transcription.conf import conf
from transcription.services.outbound.redacted_urls import told_problem
from transcription.services.outbound.ssrf import Blocked, Unreadable
from transcription.services.outbound.transport import Connector

AGENT = "whisperx-site"
SCHEMES = ("http", "https")
MOST_REDIRECTS = 10
FAULTS = (httpx2.HTTPError, httpx2.InvalidURL)
"""The errors of a request, besides Blocked."""


def reason_of(problem: Exception) -> str:
    """The error, for logs and staff, without parts of a URL that may be secret."""
    if isinstance(problem, httpx2.InvalidURL):  # it quotes the part that it could not parse
        return "The URL cannot be read."
    return told_problem(problem)


def client(seconds: float, silence: float, redirects: bool = False) -> httpx2.Client:
    """A client for one exchange.

    Args:
        seconds: The time limit of the whole exchange, to the last byte of the response.
        silence: The time limit for connecting, and between received bytes.
        redirects: Whether to follow them.

    Its requests raise FAULTS and Blocked.
    """
    return httpx2.Client(
        transport=Transport(time.monotonic() + seconds),
        timeout=httpx2.Timeout(silence),
        follow_redirects=redirects,
        max_redirects=MOST_REDIRECTS,
        trust_env=False,
        # Recordings are compressed already, and compressed data may be larger than it looks.
        headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
    )


def refuse_unreadable(url: str) -> None:
    """Checks a URL's form.

    Raises:
        Blocked: It can't be parsed or, if it is guarded, its scheme, host or port is not allowed.
    """
    try:
        parts = urlsplit(url)
    except ValueError as problem:
        raise Unreadable("The URL cannot be read.", url) from problem
    if not conf.SSRF_PROTECTION_ENABLED:
        return
    if parts.scheme not in conf.SSRF_ALLOWED_SCHEMES:
        allowed = ", ".join(conf.SSRF_ALLOWED_SCHEMES)
        raise Blocked(f"Scheme '{parts.scheme}' is not allowed. Allowed: {allowed}", url)
    if not parts.hostname:
        raise Blocked("URL has no hostname", url)
    if port_problem(url):
        raise Unreadable("The port cannot be read.", url)
    try:
        httpx2.URL(url)
    except httpx2.InvalidURL as problem:
        raise Unreadable("The URL cannot be read.", url) from problem


def port_problem(url: str) -> bool:
    """Whether the port isn't a number from 0 to 65535."""
    try:
        return (urlsplit(url).port or 0) < 0
    except ValueError:
        return True


@lru_cache(maxsize=1)  # reading the certificate authorities takes some 20 ms
def tls() -> ssl.SSLContext:
    """Checks certificates with the system's authorities, or those of SSL_CERT_FILE."""
    return httpx2.create_ssl_context()


class Transport(httpx2.BaseTransport):
    """Sends requests, each over a connection to a checked address.

    Args:
        deadline: By the monotonic clock, when everything must have ended.
    """

    def __init__(self, deadline: float) -> None:
        # A connection is only reused for the same scheme, host name and port.
        self.pool = httpcore2.ConnectionPool(
            ssl_context=tls(), network_backend=Connector(deadline), max_connections=2
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request, also after a redirect.

        Raises:
            Blocked: The address is not allowed.
            httpx2.TransportError: It failed.
        """
        url = str(request.url)
        refuse_unreadable(url)
        if request.url.scheme not in SCHEMES or not request.url.host or port_problem(url):
            raise httpx2.UnsupportedProtocol("This is no address of http or https.")
        assert isinstance(request.stream, httpx2.SyncByteStream)
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            with faults():
                answer = self.pool.handle_request(sent)
        except Blocked as blocked:
            blocked.url = url
            raise
        assert isinstance(answer.stream, Iterable)
        return httpx2.Response(
            status_code=answer.status,
            headers=answer.headers,
            # A redirect's body would be read into memory and isn't needed.
            stream=ResponseBody(answer.stream, wanted=not 300 <= answer.status < 400),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self.pool.close()


class ResponseBody(httpx2.SyncByteStream):
    """A response's body as it arrives.

    Args:
        stream: Its pieces.
        wanted: Whether it is read at all.
    """

    def __init__(self, stream: Iterable[bytes], wanted: bool) -> None:
        self.stream = stream
        self.wanted = wanted

    def __iter__(self) -> Iterator[bytes]:
        with faults():
            yield from self.stream if self.wanted else ()

    def close(self) -> None:
        if hasattr(self.stream, "close"):
            self.stream.close()


@contextmanager
def faults() -> Iterator[None]:
    """Turns all network errors into one kind of exception."""
    try:
        yield
    except httpcore2.TimeoutException as problem:
        raise httpx2.TimeoutException(str(problem) or "It took too long.") from problem
    except (
        *(httpcore2.NetworkError, httpcore2.ProtocolError),
        *(httpcore2.UnsupportedProtocol, ssl.SSLError),
    ) as problem:
        raise httpx2.TransportError(str(problem) or type(problem).__name__) from problem

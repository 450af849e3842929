"""Downloads recordings and probes webhook receivers, by URLs given by clients.

Everything goes through `http_client`, which checks each connection.
"""

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from transcription.conf import conf
from transcription.services.outbound.http_client import (
    FAULTS,
    SCHEMES,
    client,
    port_problem,
    reason_of,
    refuse_unreadable,
)
from transcription.services.outbound.redacted_urls import told_url
from transcription.services.outbound.source_name import UnsupportedExtension, source_name
from transcription.services.outbound.ssrf import Blocked, Unreadable, addresses_of
from uploads.cooperative import Pacer
from uploads.errors import TooLarge

__all__ = [
    "Blocked",
    "Download",
    "DownloadFailed",
    "Fetched",
    "Unreachable",
    "UnsupportedExtension",
    "check_url",
    "download",
    "fetch",
    "probe",
]

logger = logging.getLogger(__name__)

PIECE = 64 * 1024  # bytes that are unpacked in one step
CODINGS = ("", "identity", "gzip", "deflate")
SILENCE = 30.0
"""Seconds without a byte from a server after which a download fails."""


class DownloadFailed(Exception):
    """A recording couldn't be downloaded; only the log says why."""


class Unreachable(Exception):
    """A webhook receiver doesn't answer properly.

    Attributes:
        url: Its URL.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass(frozen=True)
class Fetched:
    """A server's information about its file.

    Attributes:
        file_name: A name with the extension of a recording.
        content_type: The type that the server claims, for display only; may be empty.
    """

    file_name: str
    content_type: str


class Download:
    """A response whose body is still to come."""

    def __init__(self, facts: Fetched, response: httpx2.Response) -> None:
        self.facts = facts
        self.response = response

    def pour(self, sink: Callable[[bytes], None], limit: int) -> None:
        """Yields the body, piece by piece.

        Raises:
            TooLarge: It is longer than `limit` bytes.
            DownloadFailed: It ended early, stopped or took too long.
        """
        said = self.response.headers.get("Content-Length", "")
        if said.isdecimal() and int(said) > limit:
            raise TooLarge
        size = 0
        pause = Pacer()
        with failures(str(self.response.url)):
            for piece in unpacked(self.response):
                size += len(piece)
                if size > limit:
                    raise TooLarge
                sink(piece)
                pause()


def coding_of(response: httpx2.Response) -> str:
    """A response's Content-Encoding. None was requested, but some servers ignore that."""
    coding: str = response.headers.get("Content-Encoding", "")
    return coding.strip().lower()


def unpacked(response: httpx2.Response) -> Iterator[bytes]:
    """The decoded body of a response, decoded at most once: little data may decode to any amount.

    Raises:
        DownloadFailed: It is malformed.
    """
    if coding_of(response) in ("", "identity"):
        yield from response.iter_raw()
        return
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip, or deflate
    try:
        for piece in response.iter_raw():
            while piece:
                yield unpacker.decompress(piece, PIECE)
                piece = unpacker.unconsumed_tail
    except zlib.error as problem:
        raise DownloadFailed(f"it cannot be unpacked: {problem}") from problem
    if not unpacker.eof:
        raise DownloadFailed("it ended before all was unpacked")


def check_url(url: str, schemes: tuple[str, ...] = SCHEMES) -> None:
    """Checks whether the site would connect there now; each connection is checked again.

    Args:
        url: As the client sent it.
        schemes: The schemes that the caller supports; SSRF_ALLOWED_SCHEMES may allow fewer.

    Raises:
        Blocked: It is not allowed.
    """
    refuse_unreadable(url)
    if not conf.SSRF_PROTECTION_ENABLED:
        return
    parts = httpx2.URL(url)
    if parts.scheme not in schemes:
        raise Blocked(f"Scheme '{parts.scheme}' is not allowed. Allowed: {', '.join(schemes)}", url)
    try:
        addresses_of(parts.raw_host.decode("ascii"), parts.port or 0)
    except Blocked as blocked:
        blocked.url = url
        raise


@contextmanager
def download(url: str) -> Iterator[Download]:
    """Requests a recording. Redirects are followed and checked; the name is known before the body.

    Raises:
        Blocked: The address, or that of a redirect, is not allowed.
        UnsupportedExtension: Its name is not that of a recording.
        DownloadFailed: The server can't be reached or refuses.
    """
    url = url.lstrip()
    with failures(url), client(conf.DOWNLOAD_TIMEOUT, SILENCE, redirects=True) as http:
        check_url(url)
        if port_problem(url):
            raise DownloadFailed("the port cannot be read")
        with http.stream("GET", url) as response:
            if not response.is_success:
                raise DownloadFailed(f"HTTP status {response.status_code}")
            headers = response.headers
            if coding_of(response) not in CODINGS:
                raise DownloadFailed(f"it is packed by {coding_of(response)[:100]}")
            name = source_name(url, headers.get("Content-Disposition", ""))
            yield Download(Fetched(name, headers.get("Content-Type", "")), response)


def fetch(url: str, sink: Callable[[bytes], None], limit: int) -> Fetched:
    """Downloads a recording; use `download` to know its name before its bytes.

    Args:
        url: As the client sent it.
        sink: Called with the bytes, piece by piece.
        limit: The maximum number of bytes.

    Raises:
        Blocked, UnsupportedExtension, DownloadFailed: See `download`.
        TooLarge: It is longer than `limit`.
    """
    with download(url) as source:
        source.pour(sink, limit)
        return source.facts


def probe(url: str) -> None:
    """Checks by HEAD whether a receiver answers. 405 and redirects count as answers; redirects are
    not followed.

    Raises:
        Blocked: The address is not allowed.
        Unreachable: The receiver doesn't answer, or refuses.
    """
    try:
        check_url(url)
        with client(conf.CALLBACK_TIMEOUT, conf.CALLBACK_TIMEOUT) as http:
            status = http.head(url).status_code
    except Blocked as blocked:
        if conf.SSRF_PROTECTION_ENABLED:
            raise
        raise Unreachable(url) from blocked
    except FAULTS as problem:
        logger.info("callback URL %s: %s", told_url(url), reason_of(problem))
        raise Unreachable(url) from problem
    if status >= 400 and status != 405:
        raise Unreachable(url)


@contextmanager
def failures(url: str) -> Iterator[None]:
    """Logs why a download failed, and raises an error without the reason."""
    try:
        yield
    except Unreadable as blocked:
        blocked.url = blocked.url or url
        raise
    except FAULTS as problem:
        logger.info("download of %s: %s", told_url(url), reason_of(problem))
        raise DownloadFailed(reason_of(problem)) from problem

"""Compresses long responses to a fifth, where that reveals nothing.

The length of a compressed response reveals repetitions in it (BREACH). So nothing is compressed
that mixes secrets with input of a request or another user: pages (tokens and search), lists of
recordings (search and other users' file names), uploads. A transcript belongs to one user, and
requests add nothing to it; the API description is public. Each view decides for itself. Lengths are
also randomised, as in Django's GZipMiddleware.
"""

import secrets
import zlib
from collections.abc import Iterable, Iterator
from typing import TypeVar

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from uploads.cooperative import Pacer

LEVEL = 4  # takes half the CPU time of level 6, for 6 % more bytes
WORTH_IT = 1024  # bytes; shorter responses fit into one packet anyway
STEP = 16 * 1024  # bytes compressed in a row, which takes half a millisecond
MOST_BLUR = 100  # bytes
NAME_FOLLOWS = 8  # flag of gzip's header (RFC 1952, section 2.3.1)
R = TypeVar("R", bound=HttpResponseBase)


def compressed(request: HttpRequest, response: R) -> R:
    """The response, in gzip if the client accepts it and it is long enough.

    Args:
        request: Its Accept-Encoding counts.
        response: Must not mix secrets with input of a request or another user.
    """
    patch_vary_headers(response, ["Accept-Encoding"])
    if not takes_gzip(request.headers.get("Accept-Encoding", "")) or response.has_header(
        "Content-Encoding"
    ):
        return response
    if isinstance(response, StreamingHttpResponse):
        blocks: Iterable[bytes] = response.streaming_content  # type: ignore[assignment]
        response.streaming_content = gzipped(blocks)
        del response["Content-Length"]
    elif isinstance(response, HttpResponse) and len(response.content) >= WORTH_IT:
        response.content = b"".join(gzipped([response.content]))
        response["Content-Length"] = str(len(response.content))
    else:
        return response
    response["Content-Encoding"] = "gzip"
    return response


def takes_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding includes gzip, or everything, without q=0."""
    weights = {}
    for part in accepted.lower().split(","):
        coding, _, rest = part.partition(";")
        name, _, value = rest.strip().partition("=")
        weights[coding.strip()] = value.strip() if name.strip() == "q" else "1"
    said = weights.get("gzip", weights.get("*", "0"))
    return said.strip("0.") != ""


def gzipped(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Compresses and flushes block by block, so that gradual responses stay gradual."""
    pause = Pacer()
    yield header()
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    check = size = 0
    for block in blocks:
        packed = []
        for start in range(0, len(block), STEP):
            piece = block[start : start + STEP]
            check, size = zlib.crc32(piece, check), size + len(piece)
            packed.append(packer.compress(piece))
            pause()
        yield b"".join([*packed, packer.flush(zlib.Z_SYNC_FLUSH)])
    yield packer.flush() + check.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")


def header() -> bytes:
    """gzip's header with a name of random length, so that lengths vary."""
    name = b"a" * secrets.randbelow(MOST_BLUR)
    return b"\x1f\x8b\x08" + bytes([NAME_FOLLOWS]) + bytes(5) + b"\xff" + name + b"\0"

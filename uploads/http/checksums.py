"""Checksums of one request's bytes (tus: checksum). A new algorithm is one line here."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from typing import Protocol

from uploads.errors import BadRequest


class Sum(Protocol):
    """A running checksum, like those of `hashlib`."""

    def update(self, data: bytes | memoryview, /) -> object: ...

    def digest(self) -> bytes: ...


class Crc32:
    """CRC-32 as in zlib: four bytes, most significant first."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self.value = zlib.crc32(data, self.value)

    def digest(self) -> bytes:
        return self.value.to_bytes(4, "big")


# For transmission errors, not for attacks: fast algorithms are fine.
ALGORITHMS: dict[str, Callable[[], Sum]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32": Crc32,
}


def parse_checksum(header: str) -> tuple[str, bytes]:
    """The algorithm and the expected value of Upload-Checksum.

    Raises:
        BadRequest: The algorithm is not supported, or the value is not Base64 of its size.
    """
    name, _, value = header.strip().partition(" ")
    if name not in ALGORITHMS:
        raise BadRequest(f"Upload-Checksum must use one of: {', '.join(ALGORITHMS)}.")
    try:
        expected = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise BadRequest("The value of Upload-Checksum is not Base64.") from problem
    if len(expected) != len(ALGORITHMS[name]().digest()):
        raise BadRequest(f"The value of Upload-Checksum is not a {name} checksum.")
    return name, expected

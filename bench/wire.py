"""HTTP by hand, as cheap as Python can be: the load must not cost what the server costs."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

TUS = "Tus-Resumable: 1.0.0\r\n"
DATA = "Content-Type: application/offset+octet-stream\r\n"
# What clients say of a file: "filename bench.bin", and "filetype application/octet-stream".
METADATA = "Upload-Metadata: filename YmVuY2guYmlu,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt\r\n"
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Target:
    """Where a tus server is.

    Attributes:
        port: On this machine.
        path: Where uploads are made, such as `/files`.
        key: What it wants to see of each client; empty: nothing.
    """

    port: int
    path: str
    key: str = ""
    host: str = "127.0.0.1"

    @classmethod
    def of(cls, specification: dict[str, Any]) -> Target:
        """The one that a load's specification names."""
        return cls(specification["port"], specification["path"], specification["key"])

    @property
    def common(self) -> str:
        """The headers that each request has."""
        key = f"Authorization: Bearer {self.key}\r\n" if self.key else ""
        return f"Host: {self.host}:{self.port}\r\n{TUS}{key}"

    def create(self, length: int, body: int | None = None) -> bytes:
        """The head of a POST; with `body` bytes of the upload itself, if any."""
        what = f"{DATA}Content-Length: {body}\r\n" if body is not None else "Content-Length: 0\r\n"
        return (
            f"POST {self.path} HTTP/1.1\r\n{self.common}"
            f"Upload-Length: {length}\r\n{METADATA}{what}\r\n"
        ).encode()

    def patch_rest(self, offset: int, size: int) -> bytes:
        """The head of a PATCH without its first line, so that it can be made beforehand."""
        return (
            f" HTTP/1.1\r\n{self.common}{DATA}"
            f"Upload-Offset: {offset}\r\nContent-Length: {size}\r\n\r\n"
        ).encode()

    def patch(self, place: bytes, offset: int, size: int) -> bytes:
        """The head of a PATCH."""
        return b"PATCH " + place + self.patch_rest(offset, size)

    def head(self, place: bytes) -> bytes:
        """A HEAD request."""
        return b"HEAD " + place + f" HTTP/1.1\r\n{self.common}\r\n".encode()

    def connect(self, seconds: float | None = None) -> socket.socket:
        """A connection that does not wait to fill packets."""
        connection = socket.create_connection((self.host, self.port), timeout=seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    head: bytes
    body: bytes

    def field(self, name: bytes) -> bytes:
        """A header's value; empty where it is missing. `name` in small letters."""
        return field(self.head, name)

    @property
    def offset(self) -> int:
        """Upload-Offset; -1 where it is missing."""
        return int(self.field(b"upload-offset") or -1)

    @property
    def place(self) -> bytes:
        """The path that Location names."""
        location = self.field(b"location")
        if b"://" in location:
            location = b"/" + location.split(b"/", 3)[3]
        return location


def field(head: bytes, name: bytes) -> bytes:
    """A header's value in the head of a response; empty where it is missing."""
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def parse(data: bytes, to_head: bool = False) -> Answer | None:
    """The response in `data`, or None where it is not whole yet.

    Args:
        data: All that came since the request was sent.
        to_head: The request was HEAD, whose answer has no body whatever its length says.
    """
    end = data.find(END)
    if end < 0:
        return None
    head, body = data[:end], data[end + 4 :]
    status = int(head[9:12])
    if to_head or status == 204:
        return Answer(status, head, b"")
    if b"chunked" in field(head, b"transfer-encoding").lower():
        return Answer(status, head, body) if body.endswith(b"0\r\n\r\n") else None
    size = int(field(head, b"content-length") or 0)
    return Answer(status, head, body) if len(body) >= size else None


def receive(connection: socket.socket, to_head: bool = False) -> Answer:
    """Wait for the response.

    Raises:
        ConnectionError: The connection ended first.
    """
    data = b""
    while True:
        answer = parse(data, to_head)
        if answer:
            return answer
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError(f"the connection ended before the answer: {data[:200]!r}")
        data += piece

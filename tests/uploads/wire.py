"""HTTP by hand: for requests that no proper client sends."""

from __future__ import annotations

import errno
import http.client
import io
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

from tests.running import Site

TUS = {"Tus-Resumable": "1.0.0"}
DATA = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass
class Answer:
    """One response, read to its end."""

    status: int
    headers: Message
    body: bytes

    @property
    def offset(self) -> int:
        return int(self.headers["Upload-Offset"])

    @property
    def closes(self) -> bool:
        return "close" in self.headers.get("Connection", "").lower()


class Wire:
    """One TCP connection to the site."""

    def __init__(self, site: Site, timeout: float = 20) -> None:
        self.host = f"127.0.0.1:{site.port}"
        self.authorization = site.authorization
        self.socket = socket.create_connection(("127.0.0.1", site.port), timeout=timeout)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *unused: object) -> None:
        self.reader.close()
        self.socket.close()

    def head(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | Iterable[tuple[str, str]] = (),
        host: str = "",
    ) -> None:
        """Send the request line and the headers; values are sent as Latin-1.

        Where no key is among them, the site's own goes along (`Authorization: ""` sends none).
        """
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        if not any(name.lower() == "authorization" for name, _ in pairs):
            pairs += self.authorization.items()
        pairs = [(name, value) for name, value in pairs if (name, value) != ("Authorization", "")]
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.host}"]
        lines += [f"{name}: {value}" for name, value in pairs]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def chunk(self, data: bytes) -> None:
        """One chunk of Transfer-Encoding: chunked; an empty one is the last."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self, method: str = "GET") -> Answer:
        """Read one response."""
        response = http.client.HTTPResponse(_Reader(self.reader), method=method)  # type: ignore[arg-type]
        response.begin()
        return Answer(response.status, response.headers, response.read())

    def at_end(self) -> bool:
        """Whether the server closes the connection without another byte."""
        try:
            return self.reader.read(1) == b""
        except ConnectionResetError:
            return True

    def finish_sending(self) -> None:
        """FIN: the client has nothing more to say, but listens.

        A server that has answered and closed may be faster; its answer is still to be read.
        """
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as problem:
            if problem.errno != errno.ENOTCONN:
                raise

    def reset(self) -> None:
        """RST: the client is gone, with no good-bye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reader.close()
        self.socket.close()


class _Reader:
    """What HTTPResponse wants of a socket, without closing what later responses need."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self.reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:
        return _Unclosed(self.reader)  # type: ignore[return-value]


class _Unclosed:
    def __init__(self, reader: io.BufferedReader) -> None:
        self.reader = reader

    def __getattr__(self, name: str) -> object:
        return getattr(self.reader, name)

    def close(self) -> None:
        """The connection goes on."""


def ask(
    site: Site,
    method: str,
    path: str,
    headers: dict[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    host: str = "",
) -> Answer:
    """One request on a connection of its own."""
    with Wire(site) as wire:
        wire.head(method, path, headers, host)
        wire.send(body)
        return wire.answer(method)


def path_of(address: str) -> str:
    """The path of an upload's address."""
    return "/" + address.split("/", 3)[3]


def identifier(address: str) -> str:
    """The upload's 32 digits."""
    return address.rstrip("/").rpartition("/")[2]

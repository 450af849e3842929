"""The site that is sent to, on plain sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

BOUNDARY = "a-boundary"
PIECE = 256 * 1024
KB = 1000
MB = 1_000_000
LARGE = 1024**3
PATIENCE = 120.0  # seconds to wait for a response


class Target:
    """The attacked site.

    Args:
        port: Its port on this machine.
        key: Its local key; "" if it has none.

    Attributes:
        url: The address of recordings that are sent fast.
        job: A job with a long transcript (HOSTILE_JOB).
        store: The folder of uploads (HOSTILE_STORE).
    """

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key
        self.url = ""
        self.job = os.environ.get("HOSTILE_JOB", "")
        self.store = os.environ.get("HOSTILE_STORE", "")

    def send(
        self,
        first: str,
        fields: dict[str, str],
        pieces: Iterator[bytes],
        keep: Callable[[bytes], object] = len,
    ) -> str:
        """One request on a separate connection; returns the status of the response.

        Args:
            first: Method and path.
            fields: The first header fields; an empty one means no Authorization.
            pieces: The rest: perhaps more fields, the end of the header, and a body.
            keep: Receives the beginning of the response.
        """
        lines = [f"{first} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        if self.key and fields.get("Authorization") != "":
            lines.append(f"Authorization: Bearer {self.key}")
        lines += [f"{name}: {value}" for name, value in fields.items()]
        with closing(socket.create_connection(("127.0.0.1", self.port), PATIENCE)) as wire:
            try:
                wire.sendall("\r\n".join([*lines, ""]).encode("latin-1"))
                for piece in pieces:
                    wire.sendall(piece)
            except OSError:
                pass  # perhaps the response came before its end
            return answered(wire, keep)

    def post(self, path: str, body: bytes, kind: str) -> str:
        """A body of known length."""
        fields = {"Content-Type": kind, "Content-Length": str(len(body))}
        return self.send(f"POST {path}", fields, iter([b"\r\n", body]))

    def form(self, path: str, *parts: tuple[str, str, bytes]) -> str:
        """A form of files: name, file name and content of each."""
        pieces = []
        for name, file_name, content in parts:
            said = f'form-data; name="{name}"; filename="{file_name}"'
            pieces.append(f"--{BOUNDARY}\r\nContent-Disposition: {said}\r\n\r\n".encode())
            pieces += [content, b"\r\n"]
        pieces.append(f"--{BOUNDARY}--\r\n".encode())
        return self.post(path, b"".join(pieces), f"multipart/form-data; boundary={BOUNDARY}")

    def read_all(self, path: str, coding: str = "identity") -> str:
        """GET; reads the whole response."""
        fields = {"Connection": "close", "Accept-Encoding": coding}
        return self.send(f"GET {path}", fields, iter([b"\r\n"]))


def answered(wire: socket.socket, keep: Callable[[bytes], object]) -> str:
    """The status of the response, which is read to its end; without one, the reason."""
    try:
        head = wire.recv(65536)
        keep(head)
        while b"onnection: close" in head and (piece := wire.recv(1 << 20)):
            keep(piece)
    except OSError as problem:
        return type(problem).__name__
    words = head.split(b" ", 2)
    return words[1].decode() if len(words) > 2 else "no answer"

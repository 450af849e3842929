"""A small stand-in for the model hub: real HTTP on this machine, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one folder as every repository.

    Attributes:
        cut_after: bytes of model.bin after which the connection is dropped, once.
        damage: whether model.bin arrives with wrong bytes.
        drip: seconds between two pieces of 64 kB.
        requests: what was asked for, as (path, Range header).
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.cut_after: int | None = None
        self.damage = False
        self.drip = 0.0
        self.requests: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def listing(self, repository: str) -> dict[str, Any]:
        siblings = []
        for file in sorted(self.folder.iterdir()):
            data = file.read_bytes()
            blob = hashlib.sha1(data).hexdigest()
            about: dict[str, Any] = {"rfilename": file.name, "size": len(data), "blobId": blob}
            if file.name == "model.bin":
                digest = hashlib.sha256(data).hexdigest()
                about["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 130}
            siblings.append(about)
        return {"id": repository, "sha": COMMIT, "siblings": siblings}


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append((path, self.headers["Range"]))
        if path.startswith("/api/models/"):
            repository = path.removeprefix("/api/models/").partition("/revision/")[0]
            if "missing" in repository:
                self._send(404, b"{}")
            else:
                self._send(200, json.dumps(self.server.listing(repository)).encode())
            return
        file = self.server.folder / path.rpartition("/")[2]
        data = file.read_bytes()
        if self.server.damage and file.name == "model.bin":
            data = bytes(len(data))
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self._send(206 if start else 200, data[start:], file.name)

    def _send(self, status: int, data: bytes, name: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json" if not name else "binary/octet-stream")
        self.end_headers()
        cut = self.server.cut_after if name == "model.bin" else None
        try:
            for at in range(0, len(data), 65536):
                self.wfile.write(data[at : at + 65536])
                if cut is not None and at >= cut:
                    self.server.cut_after = None
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if self.server.drip and name:
                    time.sleep(self.server.drip)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    """A hub that runs in a thread."""
    with Hub(folder) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        try:
            yield hub
        finally:
            hub.shutdown()


@contextmanager
def silence() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for connection in held:
            connection.close()

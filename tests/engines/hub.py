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
PLAIN = "/plain/"
STORAGE = "/storage/"
BIG = ("model.bin", "model.safetensors", "big.pth")
"""Files that the faults concern."""


class Hub(ThreadingHTTPServer):
    """Serves one folder as every repository, but for those that have another one.

    Attributes:
        repositories: folders of repositories by name, which may hold folders again.
        plain: a folder whose files lie at addresses of their own, below `/plain/`.
        gated: repositories whose files only the bearer of `key` gets.
        key: see `gated`.
        storage: whether model.bin lies at another host, as with the real one.
        cut_after: bytes of a big file after which the connection is dropped, once.
        damage: whether model.bin arrives with wrong bytes.
        answer: what the API says of every repository, whatever it is.
        no_lengths: whether nobody is told how long a file is.
        says: the content type of files.
        no_ranges: whether a rest of a file is refused with 416.
        drip: seconds between two pieces of 64 kB.
        requests: what was asked for, as (path, Range header).
        keys: the Authorization headers that came, by path.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.repositories: dict[str, Path] = {}
        self.plain: Path | None = None
        self.gated: set[str] = set()
        self.key = "Bearer good"
        self.storage = False
        self.cut_after: int | None = None
        self.damage = False
        self.drip = 0.0
        self.answer: bytes | None = None
        self.no_lengths = False
        self.says = "binary/octet-stream"
        self.no_ranges = False
        self.requests: list[tuple[str, str | None]] = []
        self.keys: dict[str, str | None] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def plain_file(self, name: str) -> Path:
        """A file that has an address of its own."""
        assert self.plain
        return self.plain / name

    def listing(self, repository: str) -> dict[str, Any]:
        siblings = []
        folder = self.repositories.get(repository, self.folder)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = file.read_bytes()
            blob = hashlib.sha1(data).hexdigest()
            name = file.relative_to(folder).as_posix()
            about: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob}
            if file.name == "model.bin":
                digest = hashlib.sha256(data).hexdigest()
                about["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 130}
            siblings.append(about)
        return {"id": repository, "sha": COMMIT, "siblings": siblings}


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self.command == "GET":
            self.server.requests.append((path, self.headers["Range"]))
        self.server.keys[path] = self.headers["Authorization"]
        if path.startswith("/api/models/"):
            repository = path.removeprefix("/api/models/").partition("/revision/")[0]
            if "missing" in repository:
                self._send(404, b"{}")
            elif self.server.answer is not None:
                self._send(200, self.server.answer)
            else:
                self._send(200, json.dumps(self.server.listing(repository)).encode())
            return
        repository, _, name = path.lstrip("/").partition(f"/resolve/{COMMIT}/")
        if repository in self.server.gated and self.headers["Authorization"] != self.server.key:
            self._send(403 if self.headers["Authorization"] else 401, b"{}")
            return
        if path.startswith(STORAGE):
            repository = repository.removeprefix(STORAGE.lstrip("/"))
        elif self.server.storage and name == "model.bin":
            self._send_to_storage(path)
            return
        folder = self.server.repositories.get(repository, self.server.folder)
        if path.startswith(PLAIN) and self.server.plain:
            folder, name = self.server.plain, path.removeprefix(PLAIN)
        file = folder / name
        if not file.is_file():
            self._send(404, b"no such file")
            return
        data = file.read_bytes()
        if self.server.damage and file.name == "model.bin":
            data = bytes(len(data))
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start and self.server.no_ranges:
            self._send(416, b"")
            return
        tag = f'"{hashlib.sha1(data).hexdigest()}"'
        if self.headers["If-Range"] not in (None, tag):
            start = 0
        self._send(206 if start else 200, data[start:], file.name, tag)

    def _send_to_storage(self, path: str) -> None:
        """By a name that is another one than the hub's."""
        self.send_response(302)
        place = f"{STORAGE}{path.lstrip('/')}"
        self.send_header("Location", f"http://localhost:{self.server.server_address[1]}{place}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, data: bytes, name: str = "", tag: str = "") -> None:
        self.send_response(status)
        if name and self.server.no_lengths:
            self.close_connection = True  # that is how the end is told
        else:
            self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", self.server.says if name else "application/json")
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.server.cut_after if name in BIG else None
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
        threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
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

"""Servers that the site talks to: receivers of callbacks, and hosts of recordings."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from tests.running import wait_for

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("recordings.test")


@dataclass
class Call:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.body)
        return answer


Answer = Callable[["Server", BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers GET and POST by its script, one after another, the last for ever; keeps what came.

    To HEAD it says 200, unless all of its script is one answer of another kind.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, *script: int | Answer, host: str = "127.0.0.1", port: int = 0) -> None:
        self.script = list(script) or [200]
        self.head = self.script[0] if callable(self.script[0]) and len(script) == 1 else 200
        self.calls: list[Call] = []
        self.server_name_said: list[str | None] = []
        self.scheme = "http"
        self.lock = threading.Lock()
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.server_address[0]!s}:{self.server_port}"

    def with_tls(self) -> Server:
        """Speak https, with the certificate of recordings.test."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CERTIFICATE.configure_cert(context)

        def heard(tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
            self.server_name_said.append(name)

        context.sni_callback = heard
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.scheme = "https"
        return self

    def posts(self, path: str | None = None) -> list[Call]:
        """What was posted, to this path where one is given."""
        return [call for call in self.calls if call.method == "POST" and path in (None, call.path)]

    def wait_for_posts(
        self, count: int, path: str | None = None, seconds: float = 30
    ) -> list[Call]:
        """So many of them."""

        def enough() -> list[Call] | None:
            posts = self.posts(path)
            return posts if len(posts) >= count else None

        return wait_for(enough, seconds, 0.05, f"{count} posts to {path or self.url}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up, or do not trust us, are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """Notes the request, and leaves the answer to the script."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.note()
        with self.server.lock:
            script = self.server.script
            step = script.pop(0) if len(script) > 1 else script[0]
        self.answer(step)

    do_GET = do_POST  # noqa: N815 (the name that the server looks for)

    def do_HEAD(self) -> None:
        self.note()
        self.answer(self.server.head)

    def note(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = Call(self.command, self.path, dict(self.headers), body)
        self.server.calls.append(call)

    def answer(self, step: int | Answer) -> None:
        if not isinstance(step, int):
            step(self.server, self)
            return
        self.send_response(step)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def serves(content: bytes, **headers: str) -> Answer:
    def answer(server: Server, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if "Transfer_Encoding" not in headers and "Content_Length" not in headers:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)
        if "Content_Length" in headers:
            request.close_connection = True

    return answer


def redirects(location: Callable[[Server, str], str], status: int = 302) -> Answer:
    """Sends to another place, which may depend on where one is; its own body never ends."""

    def answer(server: Server, request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", location(server, request.path))
        request.send_header("Content-Length", str(10**15))
        request.end_headers()
        request.close_connection = True
        if request.command == "GET":
            endless(request, 0, bytes(65536))

    return answer


def endless(
    request: BaseHTTPRequestHandler, pause: float = 0.0, piece: bytes = bytes(65536)
) -> None:
    """Send until the other side hangs up."""
    while True:
        request.wfile.write(piece)
        time.sleep(pause)


def hangs(seconds: float) -> Answer:
    """Says nothing for so long, and hangs up."""

    def answer(server: Server, request: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        request.close_connection = True

    return answer


def hangs_up(server: Server, request: BaseHTTPRequestHandler) -> None:
    """Takes the request and dies."""
    request.close_connection = True


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Let it answer while the test lasts."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

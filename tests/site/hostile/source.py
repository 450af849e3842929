"""A server of recordings that come as fast as they can."""

from __future__ import annotations

import gzip
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.site.hostile.target import LARGE, PIECE


class Source(BaseHTTPRequestHandler):
    """Serves recordings: one that comes as fast as it can, one that is compressed three times."""

    packed = b""

    def do_GET(self) -> None:
        packed = "packed" in self.path
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.packed) if packed else LARGE))
        if packed:
            self.send_header("Content-Encoding", "gzip, gzip, gzip")
        self.end_headers()
        with suppress(OSError):  # the client had enough
            for piece in [self.packed] if packed else [bytes(PIECE)] * (LARGE // PIECE):
                self.wfile.write(piece)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def source() -> str:
    """Starts it; returns its address."""
    Source.packed = gzip.compress(gzip.compress(gzip.compress(bytes(LARGE // 4), 1)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Source)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"

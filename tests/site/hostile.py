"""Requests that try to block a site: one process sends each shape again and again.

`python -m tests.site.hostile PORT KEY SECONDS SHAPE...` sends each shape, two at a time.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


def repeated(piece: bytes, total: int) -> Iterator[bytes]:
    """So many bytes, in pieces."""
    block = piece * max(1, PIECE // len(piece))
    for _ in range(total // len(block)):
        yield block


def many_headers(target: Target) -> str:
    """24 MB of headers: 96 fields of 250 kB."""

    def fields() -> Iterator[bytes]:
        for number in range(96):
            yield f"X-Field-{number}: ".encode() + b"a" * 250 * KB + b"\r\n"
        yield b"\r\n"

    return target.send("GET /health", {}, fields())


def trailers(path: str, method: str = "POST") -> Callable[[Target], str]:
    """20 MB of trailers behind a chunked body."""

    def send(target: Target) -> str:
        def pieces() -> Iterator[bytes]:
            yield b"\r\n1\r\na\r\n0\r\n"
            for number in range(80):
                yield f"X-Trailer-{number}: ".encode() + b"a" * 250 * KB + b"\r\n"
            yield b"\r\n"

        fields = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"}
        return target.send(f"{method} {path}", fields, pieces())

    return send


def trailers_of_upload(target: Target) -> str:
    """The same after accepted upload data."""

    def pieces() -> Iterator[bytes]:
        yield b"\r\n1\r\na\r\n0\r\n"
        for number in range(80):
            yield f"X-Trailer-{number}: ".encode() + b"a" * 250 * KB + b"\r\n"
        yield b"\r\n"

    fields = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "10",
        "Transfer-Encoding": "chunked",
        "Content-Type": "application/offset+octet-stream",
    }
    return target.send("POST /uploads/files/", fields, pieces())


def tiny_chunks(target: Target) -> str:
    """50 kB of upload in chunks of one byte."""
    fields = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(50 * KB),
        "Upload-Metadata": "filename YS5hbXI=",
        "Transfer-Encoding": "chunked",
        "Content-Type": "application/offset+octet-stream",
    }

    def pieces() -> Iterator[bytes]:
        yield b"\r\n"
        yield from [b"".join(b"1\r\n%c\r\n" % one for one in b"#!AMR\n" + bytes(50 * KB - 6))]
        yield b"0\r\n\r\n"

    return target.send("POST /uploads/files/", fields, pieces())


def chunk_extensions(target: Target) -> str:
    """Chunks of one byte with 200 kB of extensions each."""
    fields = {"Transfer-Encoding": "chunked", "Content-Type": "application/x-www-form-urlencoded"}

    def pieces() -> Iterator[bytes]:
        yield b"\r\n"
        for _ in range(100):
            yield b"1" + b';a="b"' * 33_000 + b"\r\na\r\n"
        yield b"0\r\n\r\n"

    return target.send("POST /speech-to-text-url", fields, pieces())


def quoted_cookie(target: Target) -> str:
    """One 250 kB Cookie full of `\\"`."""
    cookie = 'a="' + '\\"' * (125 * KB) + '"'
    return target.send("GET /", {"Cookie": cookie, "Accept": "text/html"}, iter([b"\r\n"]))


def many_cookies(target: Target) -> str:
    """250 kB of small cookies."""
    cookie = "; ".join(f"a{number}={number}" for number in range(20_000))
    return target.send("GET /", {"Cookie": cookie, "Accept": "text/html"}, iter([b"\r\n"]))


def long_query(target: Target) -> str:
    """60 kB of query."""
    query = "&".join("a" for _ in range(30_000))
    return target.send(f"GET /task/all?{query}", {}, iter([b"\r\n"]))


def json_documents(first: bytes, second: bytes = b"[]") -> Callable[[Target], str]:
    """Two documents to be combined."""

    def send(target: Target) -> str:
        parts = ("aligned_transcript", "a.json", first), ("diarization_result", "d.json", second)
        return target.form("/service/combine", *parts)

    return send


def filled(begin: bytes, item: bytes, end: bytes, size: int) -> bytes:
    """A JSON list of as many items as fit into a size."""
    return begin + b",".join([item] * (size // (len(item) + 1))) + end


WORD = b'{"word":"a","start":1.5,"end":2.5,"score":0.5}'
DOCUMENTS = {
    "all items of a document are wrong": json_documents(
        filled(b'{"word_segments":[],"segments":[', b"1", b"]}", 7_900 * KB)
    ),
    "empty objects": json_documents(
        filled(b'{"word_segments":[],"segments":[', b"{}", b"]}", 1 * MB)
    ),
    "8 MB of empty objects": json_documents(
        filled(b'{"word_segments":[],"segments":[', b"{}", b"]}", 7_900 * KB)
    ),
    "8 MB of empty lists": json_documents(filled(b"[", b"[]", b"]", 7_900 * KB)),
    "8 MB of numbers": json_documents(filled(b"[", b"1e5", b"]", 7_900 * KB)),
    "deep lists": json_documents(b"[" * 7_900 * KB),
    "8 MB of words": json_documents(
        filled(b'{"segments":[],"word_segments":[', WORD, b"]}", 7_900 * KB),
        b"[" * 1000,
    ),
    "8 MB of escapes": json_documents(b'"' + b"\\u1234" * (1_300 * KB) + b'"'),
    "turns that are all wrong": json_documents(
        b'{"segments":[],"word_segments":[]}', filled(b"[", b"1", b"]", 7_900 * KB)
    ),
}


def carriage_returns(target: Target) -> str:
    """A form of 20 MB of CRs."""
    return target.form("/speech-to-text", ("file", "a.txt", b"\r" * 20 * MB))


def line_ends(target: Target) -> str:
    """A form of 20 MB of CRLF-."""
    return target.form("/speech-to-text", ("file", "a.txt", b"\r\n-" * 7 * MB))


def recorded_line_ends(target: Target) -> str:
    """The same in a file that is kept."""
    return target.form("/speech-to-text", ("file", "a.wav", b"\r\n-" * 7 * MB))


def form_headers(target: Target) -> str:
    """1,000 parts with 60 headers of 1 kB each."""
    head = b"".join(b"X-%d: " % number + b"a" * KB + b"\r\n" for number in range(58))
    part = b'Content-Disposition: form-data; name="a"\r\n' + head + b"\r\n\r\n"
    body = b"".join(f"--{BOUNDARY}\r\n".encode() + part for _ in range(900))
    end = f"--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return target.post("/speech-to-text", body + end, kind)


def form_of_login(target: Target) -> str:
    """A login form of 2 MB with very many fields."""
    return target.post("/login", b"a&" * MB, "application/x-www-form-urlencoded")


def multipart_of_login(target: Target) -> str:
    """A login form of 9 MB of CRs in parts."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n'.encode()
    body = part + b"\r" * 9 * MB + f"\r\n--{BOUNDARY}--\r\n".encode()
    return target.post("/login", body, f"multipart/form-data; boundary={BOUNDARY}")


def fast_url(path: str) -> Callable[[Target], str]:
    """A recording by URL that comes as fast as it can."""

    def send(target: Target) -> str:
        body = f"url={target.url}/{path}".encode()
        return target.post("/speech-to-text-url", body, "application/x-www-form-urlencoded")

    return send


def export(path: str, coding: str = "identity") -> Callable[[Target], str]:
    """A long transcript, four times at once."""

    def send(target: Target) -> str:
        said: list[str] = []

        def read() -> None:
            said.append(target.read_all(path.format(job=target.job), coding))

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return " ".join(sorted(set(said)))

    return send


def delete_large(target: Target) -> str:
    """Terminates an upload of 1 GiB. Its bytes are put directly into the store: sending takes
    long."""
    tus = {"Tus-Resumable": "1.0.0"}
    name = ""

    def keep(head: bytes) -> None:
        nonlocal name
        name = head.split(b"/uploads/files/")[1].split(b"\r\n")[0].decode()

    fields = {**tus, "Upload-Length": str(LARGE), "Content-Length": "0"}
    metadata = base64.b64encode(b"a.wav").decode()
    fields["Upload-Metadata"] = f"filename {metadata}"
    target.send("POST /uploads/files/", fields, iter([b"\r\n"]), keep)
    with open(f"{target.store}/{name[:2]}/{name}", "ab") as file:
        for _ in range(LARGE // PIECE):
            file.write(bytes(PIECE))
    return target.send(f"DELETE /uploads/files/{name}", tus, iter([b"\r\n"]))


def login(target: Target) -> str:
    """A wrong password, from a browser that has just opened the page."""
    found: list[bytes] = []
    page = {"Accept": "text/html", "Authorization": "", "Connection": "close"}
    target.send("GET /login", page, iter([b"\r\n"]), found.append)
    form = b"".join(found)
    cookie = form.split(b"Set-Cookie: ")[1].split(b";")[0].decode()
    token = form.split(b'csrfmiddlewaretoken" value="')[1].split(b'"')[0].decode()
    body = f"csrfmiddlewaretoken={token}&username=admin&password={time.monotonic()}".encode()
    fields = {
        **page,
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    return target.send("POST /login", fields, iter([b"\r\n", body]))


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


SHAPES: dict[str, Callable[[Target], str]] = {
    "many headers": many_headers,
    "trailers": trailers("/speech-to-text-url"),
    "trailers nobody reads": trailers("/health"),
    "trailers of an upload": trailers_of_upload,
    "tiny chunks": tiny_chunks,
    "chunk extensions": chunk_extensions,
    "quoted cookie": quoted_cookie,
    "many cookies": many_cookies,
    "long query": long_query,
    **DOCUMENTS,
    "carriage returns": carriage_returns,
    "line ends": line_ends,
    "recorded line ends": recorded_line_ends,
    "form headers": form_headers,
    "form of login": form_of_login,
    "multipart of login": multipart_of_login,
    "fast recording": fast_url("fast.wav"),
    "packed recording": fast_url("packed.wav"),
    **{f"long {kind}": export(f"/jobs/{{job}}/export.{kind}") for kind in ("srt", "json")},
    "logins": login,
    "large deletions": delete_large,
    "long task": export("/task/{job}"),
    "long segments": export("/jobs/{job}/segments.json"),
    "long segments, compressed": export("/jobs/{job}/segments.json", "gzip"),
}


def keep_sending(target: Target, shape: str, seconds: float) -> dict[str, int]:
    """Sends a shape, two at a time, for this long; counts the responses by status."""
    until = time.monotonic() + seconds
    said: dict[str, int] = {}

    def send() -> None:
        while True:
            answer = SHAPES[shape](target)
            said[answer] = said.get(answer, 0) + 1
            if time.monotonic() > until:
                return

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return said


if __name__ == "__main__":
    target = Target(int(sys.argv[1]), sys.argv[2])
    target.url = source()
    for shape in sys.argv[4:]:
        print(json.dumps({shape: keep_sending(target, shape, float(sys.argv[3]))}), flush=True)

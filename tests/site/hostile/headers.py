"""Header fields, trailers, chunks and queries of very many bytes or pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.site.hostile.target import KB, Target


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

"""Small requests that cost a site much: logins, long answers, recordings by URL, a deletion."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable

from tests.site.hostile.target import LARGE, PIECE, Target


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

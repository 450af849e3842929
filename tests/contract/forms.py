"""Forms made byte by byte, since much of the contract is about odd ones."""

from __future__ import annotations

import io
import json
import socket
import wave
from collections.abc import Mapping
from typing import Any

import requests

from tests.running import Site

RATE = 16_000
BOUNDARY = "a-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"
TRANSCRIPT = {"segments": [{"start": 0, "end": 0.1, "text": " go forward"}], "language": "en"}
ALIGNED = {
    "segments": [
        {
            "start": 0,
            "end": 0.1,
            "text": "go",
            "words": [{"word": "go", "start": 0, "end": 0.1, "score": 0.5}],
        }
    ],
    "word_segments": [],
}
TURNS = [{"label": "A", "speaker": "SPEAKER_00", "start": 0, "end": 0.1}]


def silence(seconds: float = 0.1) -> bytes:
    """A WAV file in which nothing is to be heard, so that its job is a quick one."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(round(seconds * RATE) * 2))
    return buffer.getvalue()


WAV = silence()


def part(disposition: str | bytes, content: bytes | str = b"", *headers: str) -> bytes:
    """One part, with what its Content-Disposition says after `form-data`."""
    said = disposition if isinstance(disposition, bytes) else disposition.encode()
    lines = [b"Content-Disposition: form-data; " + said, *(line.encode() for line in headers)]
    raw = content if isinstance(content, bytes) else content.encode()
    return b"\r\n".join([f"--{BOUNDARY}".encode(), *lines, b"", raw, b""])


def file(name: str = "file", file_name: str = "a.wav", content: bytes | Any = WAV) -> bytes:
    """A file; what is no bytes goes as JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return part(f'name="{name}"; filename="{file_name}"', raw)


def text(name: str, content: str) -> bytes:
    """A plain field."""
    return part(f'name="{name}"', content)


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(
    site: Site,
    target: str,
    body: bytes | None = None,
    kind: str | None = MULTIPART,
    **headers: str,
) -> requests.Response:
    """POST a body of this kind; without one, a form with a short recording."""
    fields = {**headers, **({"Content-Type": kind} if kind else {})}
    content = form(file()) if body is None else body
    return site.http.post(f"{site.url}{target}", data=content, headers=fields, timeout=60)


def raw(site: Site, body: bytes, headers: Mapping[str, str], ends: bool = False) -> tuple[int, Any]:
    """POST to `/speech-to-text` by hand; the status and the JSON that is answered.

    Args:
        site: Whom to ask.
        body: Sent as it is, whatever the headers say.
        headers: All but Host.
        ends: Say that nothing more will be sent.
    """
    lines = [f"POST /speech-to-text HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"]
    fields = {**site.authorization, **headers}
    lines += [f"{name}: {value}\r\n" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", site.port), 30) as connection:
        connection.sendall("".join(lines).encode("latin-1") + b"\r\n" + body)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            answer: dict[str, str] = {}
            while line := stream.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                answer[name.lower()] = value.strip()
            return status, json.loads(stream.read(int(answer["content-length"])))


def faults(response: requests.Response) -> list[tuple[str, list[Any]]]:
    """Type and place of each fault in a 422."""
    assert response.status_code == 422, (response.status_code, response.text)
    return [(fault["type"], fault["loc"]) for fault in response.json()["detail"]]


def accepted(response: requests.Response) -> str:
    """The identifier of what has become a job."""
    assert response.status_code == 200, (response.status_code, response.text)
    body = response.json()
    assert set(body) == {"identifier", "message"} and body["message"] == "Task queued", body
    return str(body["identifier"])


def metadata(site: Site, response: requests.Response) -> dict[str, Any]:
    """What the site tells of the job that a request has become."""
    found: dict[str, Any] = site.task(accepted(response))["metadata"]
    return found

"""The log is for people who look for what went wrong."""

import logging
import socket
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from tests.running import Site, wait_for
from whisperx_site.configuration.logs import LineFormatter


def test_what_clients_send_forges_no_line(site: Site) -> None:
    address = f"{site.url}/uploads/files/x%0a17:00:00%20web%20ERROR%20forged%1b[31m%00"
    assert site.http.delete(address, timeout=10).status_code == 404
    text = wait_for(lambda: text if "forged" in (text := site.log.read_text()) else "", 5)
    assert "\x1b" not in text and "\x00" not in text
    assert not [line for line in text.splitlines() if line.startswith("17:00:00 web ERROR forged")]


def test_tracebacks_keep_their_lines() -> None:
    try:
        raise ValueError("inside")
    except ValueError as problem:
        record = logging.LogRecord(
            "x", 40, "f", 1, "a\nb", (), (type(problem), problem, problem.__traceback__)
        )
    text = LineFormatter("%(process_name)s %(message)s").format(record)
    assert text.splitlines()[0].endswith(r"a\nb")
    assert len(text.splitlines()) > 3


def test_what_clients_send_fills_no_log() -> None:
    """A refused request writes one short line, however long what it names is."""
    record = logging.LogRecord("x", 40, "f", 1, "begin %s end", ("a\n" * 60_000,), None)
    text = LineFormatter("%(message)s").format(record)
    assert len(text.splitlines()) == 1 and len(text) <= 500
    assert text.startswith("begin ") and text.endswith(" end")


def test_tracebacks_forge_no_line() -> None:
    try:
        raise ValueError("inside\n2026-01-01 web ERROR forged\u2028forged\x1b[31m" + "x" * 60_000)
    except ValueError as problem:
        facts = (type(problem), problem, problem.__traceback__)
        record = logging.LogRecord("x", 40, "f", 1, "a", (), facts)
    first, *rest = LineFormatter("%(message)s").format(record).splitlines()
    assert first == "a"
    assert all(line.startswith("  ") and len(line) <= 502 for line in rest)
    assert "\x1b" not in "".join(rest) and any("forged" in line for line in rest)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"G\x1b[31m" + b"A" * 8000 + b" / HTTP/1.1", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1", 414),
        (b"DELETE /uploads/files/" + b"x" * 60_000 + b" HTTP/1.1", 404),
    ],
)
def test_a_refused_request_writes_one_short_line(
    site: Site, request_line: bytes, status: int
) -> None:
    """Also what the web server itself refuses."""
    before = site.log.stat().st_size
    head = f"\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer {site.key}"
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(request_line + head.encode() + b"\r\n\r\n")
        assert client.recv(100).split()[1] == str(status).encode()

    def written() -> list[str]:
        lines = site.log.read_bytes()[before:].decode().splitlines()
        return [line for line in lines if " web " in line]

    lines = wait_for(written, 5)
    assert len(lines) == 1 and len(lines[0]) < 700


@pytest.mark.parametrize("path", ["/task/all", "/jobs.json", "/uploads/files/" + "0" * 32])
def test_a_request_without_a_database_writes_one_line(
    path: str, client: Client, db: None, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """No traceback for each request while it is away, and nothing twice."""

    def away(request: Any, secret: str) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr("whisperx_site.accounts.access.user_of_key", away)
    headers = {"authorization": "Bearer wxs_x", "host": "localhost", "tus-resumable": "1.0.0"}
    assert client.get(path, headers=headers).status_code == 503
    assert [record.exc_info for record in caplog.records if record.levelname != "INFO"] == [None]


def test_the_api_without_a_database_writes_one_line(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def away(*rest: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("transcription.api.listing.listed", away)
    answer = admin_client.get("/task/all", headers={"host": "localhost"})
    assert answer.status_code == 503
    assert [record.exc_info for record in caplog.records if record.levelname != "INFO"] == [None]
    monkeypatch.setattr("transcription.api.listing.listed", lambda *rest: 1 / 0)
    assert admin_client.get("/task/all", headers={"host": "localhost"}).status_code == 500
    assert any(record.exc_info for record in caplog.records)  # a fault of ours is told at length

"""Answers that a browser on another origin can read, and origins that may not write."""

from __future__ import annotations

import json

import pytest

from tests.running import Site
from tests.uploads.conftest import ROOT, created, head, patching
from tests.uploads.wire import TUS, Wire, ask


def test_refusals_are_json_sentences(plain_site: Site) -> None:
    """Every 4xx says in one sentence what is wrong, and is never cached."""
    answer = ask(plain_site, "POST", ROOT, TUS)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"Upload-Length" in answer.body


TUS_REQUEST_HEADERS = (
    "tus-resumable, upload-length, upload-offset, upload-metadata, upload-defer-length, "
    "upload-concat, upload-checksum, content-type, x-http-method-override, x-request-id, "
    "x-requested-with, authorization, baggage, sentry-trace, traceparent, tracestate, cache-control"
)


EXPOSED = (
    "Location Tus-Resumable Tus-Version Tus-Extension Tus-Max-Size Upload-Offset Upload-Length "
    "Upload-Metadata Upload-Expires Upload-Defer-Length Upload-Concat Tus-Checksum-Algorithm "
    "X-Task-Id Retry-After X-Request-ID"
).split()


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "HEAD"])
def test_cors_preflight(plain_site: Site, method: str) -> None:
    """A page of another port of this machine may use everything of the protocol."""
    origin = "http://localhost:5173"
    answer = ask(
        plain_site,
        "OPTIONS",
        ROOT,
        {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": TUS_REQUEST_HEADERS,
        },
    )
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert set(TUS_REQUEST_HEADERS.split(", ")) <= allowed
    # Core, OPTIONS: a successful response tells what the server can, this one too.
    assert answer.headers["Tus-Version"] == "1.0.0"
    plain = ask(plain_site, "OPTIONS", ROOT)
    for name in ("Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"):
        assert answer.headers[name] == plain.headers[name]


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ("Content-Length: abc", 400),
        ("Content-Length: 3\r\nContent-Length: 4", 400),
        ("X-Odd : 1", 400),
        ("No colon", 400),
        ("Expect: miracles", 417),
        ("\r\n".join(f"X-{number}: 1" for number in range(200)), 431),
    ],
)
def test_requests_that_cannot_be_read_are_answered_alike(
    plain_site: Site, bad: str, status: int
) -> None:
    """The web server itself answers them: in a sentence as JSON, with what every answer has."""
    with Wire(plain_site) as wire:
        wire.send(f"PATCH {ROOT}x HTTP/1.1\r\nHost: {wire.host}\r\n{bad}\r\n\r\n".encode())
        answer = wire.answer()
    assert (answer.status, answer.closes) == (status, True)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["X-Request-ID"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert json.loads(answer.body)["detail"]


def test_cors_exposes_every_header_of_the_protocol(plain_site: Site) -> None:
    headers = {**TUS, "Upload-Length": "3", "Origin": "http://127.0.0.1:8080"}
    answer = ask(plain_site, "POST", ROOT, headers)
    assert answer.status == 201
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert set(EXPOSED) <= exposed


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_foreign_origins_change_nothing(plain_site: Site, origin: str) -> None:
    """A page of somebody else's site cannot write here, nor read."""
    path = created(plain_site, 3)
    for method, address in (("POST", ROOT), ("PATCH", path), ("DELETE", path)):
        headers = patching(0, 3, **{"Upload-Length": "3", "Origin": origin})
        answer = ask(plain_site, method, address, headers, b"abc")
        assert answer.status == 403
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert head(plain_site, path).offset == 0
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    answer = ask(plain_site, "OPTIONS", path, preflight)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_answers_of_others_below_the_address_speak_tus_too(plain_site: Site) -> None:
    """Core, Tus-Resumable: in every response but OPTIONS, also in a 401 or an unknown address."""
    stranger = {**TUS, "Authorization": ""}
    for method in ("HEAD", "PATCH", "DELETE", "GET", "POST"):
        for address in (ROOT, ROOT + "0" * 32, ROOT + "a/b/c"):
            answer = ask(plain_site, method, address, stranger)
            assert answer.status == 401
            assert answer.headers["Tus-Resumable"] == "1.0.0"
    answer = ask(plain_site, "GET", ROOT + "a/b/c")
    assert answer.status == 404
    assert answer.headers["Tus-Resumable"] == "1.0.0"

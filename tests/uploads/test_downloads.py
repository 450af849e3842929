"""GET and HEAD of finished uploads, by RFC 9110."""

from __future__ import annotations

import pytest

from tests.running import Site, encode_metadata
from tests.uploads.conftest import ROOT, created, head
from tests.uploads.wire import DATA, TUS, Answer, ask, identifier

WHOLE = bytes(range(256)) * 1000  # more than one block of the server


@pytest.fixture(scope="module")
def finished(plain_site: Site) -> tuple[Site, str]:
    headers = {**DATA, "Upload-Length": str(len(WHOLE)), "Content-Length": str(len(WHOLE))}
    answer = ask(plain_site, "POST", ROOT, headers, WHOLE)
    assert answer.status == 201
    return plain_site, answer.headers["Location"]


def got(finished: tuple[Site, str], method: str = "GET", **headers: str) -> Answer:
    site, path = finished
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(site, method, path, fields)


def named(site: Site, name: str | bytes, **metadata: str) -> Answer:
    fields = {"Upload-Metadata": encode_metadata({"filename": name, **metadata})}
    path = created(site, 0, **fields)
    return ask(site, "GET", path)


def test_the_whole_file(finished: tuple[Site, str]) -> None:
    answer = got(finished)
    assert (answer.status, answer.body) == (200, WHOLE)
    assert answer.headers["Content-Length"] == str(len(WHOLE))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_strangers_bytes_are_a_plain_download(finished: tuple[Site, str]) -> None:
    """What is not known to be media is never shown in the browser."""
    headers = got(finished).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("claimed", ["text/html", "image/svg+xml", "audio/mpeg", "a\r\nb: c"])
def test_the_clients_word_on_the_type_does_not_count(plain_site: Site, claimed: str) -> None:
    answer = named(plain_site, "page.html", filetype=claimed)
    assert answer.headers["Content-Type"] == "application/octet-stream"


SIZE = len(WHOLE)


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=70000-200000", 70000, 200000),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-70000", SIZE - 70000, SIZE - 1),
        (f"bytes=-{SIZE + 5}", 0, SIZE - 1),
        (f"bytes=0-{SIZE + 5}", 0, SIZE - 1),
        ("bytes=5-99999999999999999999999", 5, SIZE - 1),
        ("Bytes= 3-4", 3, 4),
    ],
)
def test_ranges(finished: tuple[Site, str], header: str, first: int, last: int) -> None:
    """14.2, 15.3.7: 206 with Content-Range and exactly these bytes."""
    answer = got(finished, Range=header)
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.body == WHOLE[first : last + 1]


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", "bytes=-0", "bytes=99999999999999999999-"])
def test_unsatisfiable_ranges(finished: tuple[Site, str], header: str) -> None:
    """15.5.17: 416 with the length in Content-Range."""
    answer = got(finished, Range=header)
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1.0-2", "items=0-1"]
    + ["bytes=0-1,5-6", "bytes=--1", "bytes=0-1 x", "bytes=\xb2-", "0-1", "bytes=" + "9" * 5000],
)
def test_ranges_that_may_be_ignored_are(finished: tuple[Site, str], header: str) -> None:
    """14.2: malformed, of another unit, or several: the whole file."""
    answer = got(finished, Range=header)
    assert (answer.status, len(answer.body)) == (200, SIZE)
    assert "Content-Range" not in answer.headers


def test_ranges_of_an_empty_file(plain_site: Site) -> None:
    path = created(plain_site, 0)
    assert ask(plain_site, "GET", path).body == b""
    answer = ask(plain_site, "GET", path, {"Range": "bytes=0-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */0")


def test_conditions(finished: tuple[Site, str]) -> None:
    """13: If-None-Match compares weakly, If-Match and If-Range strongly."""
    etag = got(finished).headers["ETag"]
    for header in (etag, "*", f"W/{etag}", f'"x", {etag}'):
        answer = got(finished, If_None_Match=header)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["ETag"] == etag
    assert got(finished, If_None_Match='"x"').status == 200
    for header in (etag, "*", f'"x", {etag}'):
        assert got(finished, If_Match=header).status == 200
    for header in ('"x"', f"W/{etag}", ""):
        assert got(finished, If_Match=header).status == 412
    assert got(finished, Range="bytes=0-0", If_Range=etag).status == 206
    for header in ('"x"', f"W/{etag}", "Sat, 21 Nov 2026 10:00:00 GMT"):
        assert got(finished, Range="bytes=0-0", If_Range=header).status == 200
    assert got(finished, Range="bytes=0-0", If_None_Match=etag).status == 304


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=5-9"}, {"Range": f"bytes={SIZE}-"}])
def test_head_without_tus_is_get_without_body(
    finished: tuple[Site, str], headers: dict[str, str]
) -> None:
    """9.3.2, 14.2: the headers of GET; ranges are defined for GET alone."""
    answer, whole = got(finished, "HEAD", **headers), got(finished)
    assert (answer.status, answer.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Content-Disposition"):
        assert answer.headers[name] == whole.headers[name]
    assert "Upload-Offset" not in answer.headers


def test_head_with_tus_stays_tus(finished: tuple[Site, str]) -> None:
    site, path = finished
    answer = head(site, path)
    assert answer.offset == SIZE
    assert "ETag" not in answer.headers


def test_unfinished_uploads_are_404(plain_site: Site) -> None:
    path = created(plain_site, 10)
    ask(plain_site, "PATCH", path, {**DATA, "Upload-Offset": "0", "Content-Length": "1"}, b"x")
    for headers in ({}, TUS, {"Range": "bytes=0-0"}):
        assert ask(plain_site, "GET", path, headers).status == 404
    assert ask(plain_site, "HEAD", path).status == 412


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("talk.mp3", 'filename="talk.mp3"'),
        ('a "b" \\c.mp3', 'filename="c.mp3"'),
        ("Größe 10 €.mp3", "filename*=utf-8''Gr%C3%B6%C3%9Fe%2010%20%E2%82%AC.mp3"),
        ("\U0001f600.mp3", "filename*=utf-8''%F0%9F%98%80.mp3"),
        ("../../etc/passwd", 'filename="passwd"'),
        ("C:\\temp\\talk.mp3", 'filename="talk.mp3"'),
        ("a\r\nSet-Cookie: x=1", 'filename="aSet-Cookie: x=1"'),
        (b"a\x00b\x7f.mp3", 'filename="ab.mp3"'),
        (b"\xff\xfe.mp3", "filename*=utf-8''%EF%BF%BD%EF%BF%BD.mp3"),
        ("x" * 10_000 + ".mp3", 'filename="' + "x" * 251 + '.mp3"'),
    ],
)
def test_names_are_data(plain_site: Site, name: str | bytes, shown: str) -> None:
    """RFC 6266: the name that people know; no path, no header of its own, no control character."""
    answer = named(plain_site, name)
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == f"attachment; {shown}"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", ["", ".", "..", "...", "/", " . ", "\x00", "a/.."])
def test_without_a_name_the_identifier_is_one(plain_site: Site, name: str) -> None:
    path = created(plain_site, 0, **{"Upload-Metadata": encode_metadata({"filename": name})})
    shown = ask(plain_site, "GET", path).headers["Content-Disposition"]
    assert shown == f'attachment; filename="{identifier(path)}"'

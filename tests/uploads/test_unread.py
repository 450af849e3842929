"""Answers that come before the body: they arrive, and hold up nobody else."""

from __future__ import annotations

import time
from select import select

import pytest

from tests.running import Site
from tests.uploads.conftest import ROOT, created, head, patch, patching
from tests.uploads.wire import TUS, Wire

MB = 1_000_000
STRANGER = {"Authorization": ""}  # 401: no key is sent
FOREIGN = {"Origin": "https://evil.example"}


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
@pytest.mark.parametrize(
    ("method", "below", "headers", "status"),
    [
        ("PATCH", "", STRANGER, 401),
        ("PATCH", "", FOREIGN, 403),
        ("PATCH", "/deeper", {}, 404),
        ("DELETE", "", {}, 204),
    ],
)
def test_whoever_answers_the_answer_arrives(
    plain_site: Site,
    method: str,
    below: str,
    headers: dict[str, str],
    status: int,
    connection: str,
) -> None:
    """The client sends all of it before it reads: the answer must not be lost to a reset."""
    path = created(plain_site, 30 * MB) + below
    with Wire(plain_site) as wire:
        wire.head(method, path, {**patching(0, 20 * MB), **headers, "Connection": connection})
        wire.send(bytes(20 * MB))
        answer = wire.answer()
        assert (answer.status, answer.closes) == (status, True)
        assert wire.at_end()


def test_unread_bodies_hold_up_nobody(plain_site: Site) -> None:
    """To read the rest of a body that nobody wants kept a whole worker busy for seconds."""
    path = created(plain_site, 3)
    refused = {**patching(0, 400 * MB), **STRANGER}
    with Wire(plain_site) as one, Wire(plain_site) as other:
        for wire in (one, other):
            wire.head("PATCH", path, refused)
            wire.send(bytes(1 * MB))
            answer = wire.answer()
            assert (answer.status, answer.closes) == (401, True)
        # Both connections are still there, and are not read to the end of 400 MB first.
        assert head(plain_site, path).offset == 0
        for wire in (one, other):
            wire.finish_sending()
            assert wire.at_end()


@pytest.mark.parametrize("size", [8_000, 40_000, 70_000])
@pytest.mark.parametrize(
    ("status", "headers"),
    [(415, {"Content-Type": "audio/mpeg"}), (412, {"Tus-Resumable": "2"}), (401, STRANGER)],
)
def test_refusals_arrive_over_http_1_0(
    plain_site: Site, size: int, status: int, headers: dict[str, str]
) -> None:
    """Proxies speak it; the connection ends with the answer, however little is unread."""
    path = created(plain_site, 100_000)
    fields = {**patching(0, size), **plain_site.authorization, **headers}
    lines = [f"{name}: {value}" for name, value in fields.items()]
    with Wire(plain_site) as wire:
        request = "\r\n".join([f"PATCH {path} HTTP/1.0", f"Host: {wire.host}", *lines, "", ""])
        wire.send(request.encode())
        wire.send(bytes(size))
        answer = wire.answer()
        assert answer.status == status
        assert wire.at_end()


@pytest.mark.parametrize("framing", ["announced", "chunked"])
def test_the_word_to_send_comes_only_where_the_body_is_wanted(
    plain_site: Site, framing: str
) -> None:
    """RFC 9110, 10.1.1, and tus, creation-with-upload: early feedback, before gigabytes."""
    length = 5 if framing == "announced" else None
    expecting = {**patching(0, length), "Expect": "100-continue"}
    path = created(plain_site, 5)
    for headers, status in (
        ({"Content-Type": "text/plain"}, 415),
        ({"Upload-Offset": "3"}, 409),
        (STRANGER, 401),
        ({"Tus-Resumable": "2"}, 412),
    ):
        with Wire(plain_site) as wire:
            wire.head("PATCH", path, {**expecting, **headers})
            answer = wire.answer()  # the first line that comes is no 100
            assert (answer.status, answer.closes) == (status, True)
            wire.finish_sending()
            assert wire.at_end()
    with Wire(plain_site) as wire:
        wire.head("POST", ROOT, {**expecting, "Upload-Length": "5", "Content-Type": "text/plain"})
        assert wire.answer().status == 415
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, expecting)
        assert wire.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.reader.readline() == b"\r\n"
        wire.send(b"5\r\nabcde\r\n0\r\n\r\n" if length is None else b"abcde")
        answer = wire.answer()
        assert (answer.status, answer.offset, answer.closes) == (204, 5, False)
        wire.head("HEAD", path, TUS)
        assert wire.answer("HEAD").offset == 5


def test_a_method_override_makes_no_head_of_a_file(plain_site: Site) -> None:
    """Its answer has a body as any other: with a length and without bytes it would never end."""
    path = created(plain_site, 5)
    patch(plain_site, path, 0, b"abcde")
    with Wire(plain_site) as wire:
        for method in ("GET", "POST", "PATCH"):
            wire.head(method, path, {"X-HTTP-Method-Override": "HEAD", "Content-Length": "0"})
            answer = wire.answer()
            assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
            wire.head(method, path, {**TUS, "X-HTTP-Method-Override": "HEAD"})
            answer = wire.answer()
            assert (answer.status, answer.offset, answer.body) == (200, 5, b"")


def test_a_creation_whose_body_falls_silent_is_kept(hurried: Site) -> None:
    """UPLOADS_IDLE_TIMEOUT: the client learns where to go on, as where its line is cut."""
    with Wire(hurried) as wire:
        began = time.monotonic()
        wire.head("POST", ROOT, {**patching(0, 100), "Upload-Length": "100"})
        wire.send(b"x" * 30)
        answer = wire.answer()
        assert (answer.status, answer.offset, answer.closes) == (201, 30, True)
        assert time.monotonic() - began > 1.5
        assert wire.at_end()
    assert head(hurried, answer.headers["Location"]).offset == 30


def test_the_small_rest_of_an_answered_body_is_not_waited_for_endlessly(plain_site: Site) -> None:
    """A byte every two minutes kept a database connection for days, and needed no key."""
    with Wire(plain_site) as one, Wire(plain_site) as other:
        one.head("POST", "/nowhere", {**STRANGER, "Content-Length": "1000"})
        other.head("POST", "/nowhere", {**STRANGER, "Transfer-Encoding": "chunked"})
        send_until_answered(one, other)
        for wire in (one, other):
            answer = wire.answer()
            assert (answer.status, answer.closes) == (401, True)


def test_the_line_before_a_chunk_is_not_waited_for_endlessly(hurried: Site) -> None:
    """UPLOADS_IDLE_TIMEOUT holds for what brings no data, too."""
    path = created(hurried, 100)
    with Wire(hurried) as wire:
        wire.head("PATCH", path, patching(0, None))
        send_until_answered(wire)
        assert wire.answer().status == 408


def send_until_answered(*wires: Wire) -> None:
    """A digit every half second, which says nothing yet of a chunk's size.

    Each answer must come while they come: once they end, silence alone would bring it.
    """
    for _ in range(120):
        waiting = [wire for wire in wires if not select([wire.socket], [], [], 0)[0]]
        if not waiting:
            return
        for wire in waiting:
            wire.send(b"0")
        time.sleep(0.5)
    raise AssertionError("a minute of single bytes was waited for")

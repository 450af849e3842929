"""Request bodies as networks deliver them: cut off, chunked, pipelined, refused midway."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.running import Site, wait_for
from tests.uploads.conftest import ROOT, content, created, head, patch, patching
from tests.uploads.wire import DATA, TUS, Wire, ask, identifier

MB = 1_000_000


@pytest.mark.parametrize("sent", [1, 100, 65_536, 3 * MB])
def test_a_body_cut_off_by_fin_keeps_what_arrived(plain_site: Site, sent: int) -> None:
    """Core, PATCH: as much of the body as possible is stored; 204 and HEAD name the same offset."""
    path = created(plain_site, 4 * MB)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, 4 * MB))
        wire.send(b"x" * sent)
        wire.finish_sending()
        answer = wire.answer()
    assert (answer.status, answer.offset) == (204, sent)
    assert head(plain_site, path).offset == sent


def test_a_body_cut_off_by_rst_keeps_what_arrived(plain_site: Site) -> None:
    """The same where the client is gone for good: HEAD tells where to go on, and the rest fits."""
    path = created(plain_site, 2 * MB)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, 2 * MB))
        wire.send(b"a" * MB)
        time.sleep(0.3)  # a reset throws away what the server has not read
        wire.reset()
    held = wait_for(lambda: head(plain_site, path).offset, 10, what="bytes held")
    assert held <= MB
    rest = b"b" * (2 * MB - held)
    answer = patch(plain_site, path, held, rest)
    assert (answer.status, answer.offset) == (204, 2 * MB)
    assert content(plain_site, path) == b"a" * held + rest


def test_chunked_bodies(plain_site: Site) -> None:
    """RFC 9112, 7.1: chunks of any size, with extensions and trailers; keep-alive goes on."""
    path = created(plain_site, 200_010)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, None))
        for piece in (b"a", b"b" * 100_000, b"c" * 9, b"d" * 100_000):
            wire.chunk(piece)
        wire.chunk(b"")
        assert wire.answer().offset == 200_010
        wire.head("HEAD", path, TUS)
        assert wire.answer("HEAD").offset == 200_010
        path = created(plain_site, 6)
        wire.head("PATCH", path, patching(0, None))
        wire.send(b'3;name="value"\r\nabc\r\n00003\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n')
        answer = wire.answer()
        assert (answer.status, answer.offset, answer.closes) == (204, 6, False)
    assert content(plain_site, path) == b"abcdef"


ENDS_EARLY = (b"", b"ffffffffffffffffffffff\r\nx", b"5\r\nab", b"0\r\n")


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        (b"", 0),
        (b"zz\r\n", 0),
        (b"-1\r\n", 0),
        (b"ffffffffffffffffffffff\r\nx", 1),
        (b"5\r\nab", 2),
        (b"3\r\nabcXY", 3),
        (b"0\r\n", 0),
        (b"\r\n", 0),
        (b"1" * 300_000, 0),
    ],
)
def test_chunked_bodies_that_break_off_keep_what_arrived(
    plain_site: Site, tail: bytes, kept: int
) -> None:
    """Cut off or malformed: what came before counts, HEAD tells it, the connection is closed."""
    path = created(plain_site, 100)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, None))
        wire.chunk(b"hello")
        wire.send(tail)
        wire.finish_sending()
        answer = wire.answer()
        assert answer.closes
    held = head(plain_site, path).offset
    assert held == 5 + kept
    # What only ends too early is as good as any body that does; what is no chunk is told.
    assert answer.status == (204 if tail in ENDS_EARLY else 400)
    if answer.status == 204:
        assert answer.offset == held


def test_chunked_beyond_the_length_keeps_nothing(plain_site: Site) -> None:
    """As with an announced length: the whole request is refused, and 413 can be read."""
    path = created(plain_site, 1000)
    patch(plain_site, path, 0, b"x" * 10)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(10, None))
        wire.chunk(b"y" * 900)
        wire.chunk(b"z" * 900)
        answer = wire.answer()
    assert (answer.status, answer.closes) == (413, True)
    assert head(plain_site, path).offset == 10


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "gzip", "deflate, chunked", "x", "*", "chunked, gzip"]
)
def test_packed_bodies_are_refused(plain_site: Site, coding: str) -> None:
    """RFC 9112, 7: a transfer coding that is not undone would be stored as if it were the file.
    It is the client's fault: a 5xx would be repeated for ever."""
    path = created(plain_site, 100)
    headers = patching(0, None, **{"Transfer-Encoding": coding})
    answer = ask(plain_site, "PATCH", path, headers, b"5\r\nhello\r\n0\r\n\r\n")
    assert answer.status == 400
    assert head(plain_site, path).offset == 0


@pytest.mark.parametrize(
    "framing",
    [
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "5"), ("Content-Length", "6")],
        [("Content-Length", "-5")],
        [("Content-Length", "5x")],
        [("Transfer-Encoding", "chunked, chunked")],
    ],
)
def test_contradicting_lengths_are_400(plain_site: Site, framing: list[tuple[str, str]]) -> None:
    """RFC 9112, 6.3: two ways to read one request are an attack."""
    path = created(plain_site, 100)
    headers = [*DATA.items(), ("Upload-Offset", "0"), *framing]
    assert ask(plain_site, "PATCH", path, headers, b"5\r\nhello\r\n0\r\n\r\n").status == 400
    assert head(plain_site, path).offset == 0


def test_expect_100_continue(plain_site: Site) -> None:
    """RFC 9110, 10.1.1: the client waits for the word to go on."""
    path = created(plain_site, 5)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, 5, Expect="100-continue"))
        assert wire.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.reader.readline() == b"\r\n"
        wire.send(b"abcde")
        answer = wire.answer()
    assert (answer.status, answer.offset) == (204, 5)


@pytest.mark.parametrize("length", [20 * MB, None], ids=["announced", "chunked"])
@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (415, {"Content-Type": "audio/mpeg"}),
        (409, {"Upload-Offset": "7"}),
        (412, {"Tus-Resumable": "0.2"}),
    ],
)
def test_early_refusals_can_be_read(
    plain_site: Site, status: int, headers: dict[str, str], length: int | None
) -> None:
    """The client still sends 20 MB: the refusal reaches it, with Connection: close."""
    path = created(plain_site, 30 * MB)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, {**patching(0, length), **headers})
        if length is None:
            for _ in range(20):
                wire.chunk(b"x" * MB)
            wire.chunk(b"")
        else:
            wire.send(b"x" * length)
        answer = wire.answer()
        assert (answer.status, answer.closes) == (status, True)
        assert b"detail" in answer.body
        assert wire.at_end()
    assert head(plain_site, path).offset == 0


def test_small_refused_bodies_keep_the_connection(plain_site: Site) -> None:
    """What fits a buffer is read and dropped: the next request on the connection is answered."""
    path = created(plain_site, 10)
    with Wire(plain_site) as wire:
        for _ in range(3):
            wire.head("PATCH", path, patching(5, 4))
            wire.send(b"abcd")
            answer = wire.answer()
            assert (answer.status, answer.closes) == (409, False)
            wire.head("GET", path, {"Content-Length": "2000"})
            wire.send(b"x" * 2000)
            assert wire.answer().status == 404
            wire.head("HEAD", path, TUS)
            assert wire.answer("HEAD").offset == 0


def test_pipelined_requests(plain_site: Site) -> None:
    """RFC 9112, 9.3.2: requests in one packet are answered in order, and no byte goes astray."""
    path = created(plain_site, 9)
    host = f"Host: 127.0.0.1:{plain_site.port}\r\nTus-Resumable: 1.0.0\r\n"
    host += f"Authorization: Bearer {plain_site.key}\r\n"

    def patch(offset: int, data: bytes) -> bytes:
        return (
            f"PATCH {path} HTTP/1.1\r\n{host}Content-Type: application/offset+octet-stream\r\n"
            f"Upload-Offset: {offset}\r\nContent-Length: {len(data)}\r\n\r\n"
        ).encode() + data

    probe = f"HEAD {path} HTTP/1.1\r\n{host}\r\n".encode()
    with Wire(plain_site) as wire:
        wire.send(patch(0, b"abc") + probe + patch(9, b"zz") + patch(3, b"defghi") + probe)
        answers = [wire.answer(method) for method in ("", "HEAD", "", "", "HEAD")]
    assert [answer.status for answer in answers] == [204, 200, 409, 204, 200]
    assert [answers[i].offset for i in (0, 1, 3, 4)] == [3, 3, 9, 9]
    assert content(plain_site, path) == b"abcdefghi"


def test_keep_alive_through_a_whole_upload(plain_site: Site) -> None:
    """One connection for POST, PATCHes, HEAD, GET and DELETE."""
    with Wire(plain_site) as wire:
        wire.head("POST", ROOT, {**TUS, "Upload-Length": "300000"})
        path = wire.answer().headers["Location"]
        for offset in (0, 100_000, 200_000):
            wire.head("PATCH", path, patching(offset, 100_000))
            wire.send(b"x" * 100_000)
            assert wire.answer().offset == offset + 100_000
        wire.head("GET", path)
        assert wire.answer().body == b"x" * 300_000
        wire.head("GET", path, {"Range": "bytes=299990-"})
        assert wire.answer().body == b"x" * 10
        wire.head("DELETE", path, TUS)
        assert wire.answer().status == 204


def test_a_crowd_of_slow_clients_loses_no_byte(sqlite_site: Site) -> None:
    """They are read less often, and every byte of those that go in the middle is kept all the same,
    be it by FIN or by RST."""
    length, piece, pieces = 40_000, 600, 12
    sent = bytes(range(256)) * (length // 256 + 1)
    with ExitStack() as stack:
        crowd = []
        for _ in range(90):
            path = created(sqlite_site, length)
            wire = stack.enter_context(Wire(sqlite_site))
            wire.head("PATCH", path, patching(0, length))
            crowd.append((path, wire))
        for start in range(0, piece * pieces, piece):
            for _, wire in crowd:
                wire.send(sent[start : start + piece])
            time.sleep(0.06)
        for number, (_, wire) in enumerate(crowd):
            if number % 3 == 0:
                wire.send(sent[piece * pieces : length])
            elif number % 3 == 1:
                wire.finish_sending()
            else:
                wire.reset()
        for number, (path, wire) in enumerate(crowd):
            if number % 3 == 0:
                assert wire.answer("PATCH").offset == length
                assert content(sqlite_site, path) == sent[:length]
            else:
                file = sqlite_site.data_dir / "uploads" / identifier(path)[:2] / identifier(path)
                wait_for(lambda file=file: file.stat().st_size == piece * pieces, 5)  # type: ignore[misc]
                assert file.read_bytes() == sent[: piece * pieces]

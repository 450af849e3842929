"""Who may write: HEAD and newer requests fence older ones, which hear 409 and are cut off."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from tests.running import Site, wait_for
from tests.uploads.conftest import content, created, head, patch, patching
from tests.uploads.wire import Answer, Wire, ask, identifier

MB = 1_000_000


def overtaken(wire: Wire) -> None:
    """The older request hears 409, which clients answer with HEAD, and its connection ends."""
    answer = wire.answer()
    assert (answer.status, answer.closes) == (409, True)
    assert "Upload-Offset" not in answer.headers
    assert wire.at_end()


def held(site: Site, path: str) -> int:
    """Bytes in the upload's file: HEAD would end the right of who writes them."""
    [file] = (site.data_dir / "uploads").glob(f"*/{identifier(path)}")
    return file.stat().st_size


def send(wire: Wire, data: bytes, chunked: bool) -> None:
    wire.chunk(data) if chunked else wire.send(data)


def test_head_during_a_patch_answers_at_once(plain_site: Site) -> None:
    """Core, HEAD: it never waits, and what it tells is held whatever the other request does."""
    path = created(plain_site, 3 * MB)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, 3 * MB))
        wire.send(b"x" * MB)
        time.sleep(0.2)
        told = head(plain_site, path).offset  # while the other one waits for its rest
        assert 0 < told <= MB
        wire.send(b"x" * 2 * MB)
        overtaken(wire)
    assert head(plain_site, path).offset == told


def test_a_newer_patch_takes_over(plain_site: Site) -> None:
    """The client lost its connection without the server's knowing: the newer request wins at once,
    the older is 409, and none of its later bytes land."""
    path = created(plain_site, 3 * MB)
    with Wire(plain_site) as old:
        old.head("PATCH", path, patching(0, 3 * MB))
        old.send(b"a" * MB)
        time.sleep(0.2)
        held = head(plain_site, path).offset
        new = b"b" * (2 * MB - held)
        answer = patch(plain_site, path, held, new)
        assert (answer.status, answer.offset) == (204, 2 * MB)
        old.send(b"a" * 2 * MB)
        overtaken(old)
    answer = patch(plain_site, path, 2 * MB, b"c" * MB)
    assert answer.offset == 3 * MB
    assert content(plain_site, path) == b"a" * held + new + b"c" * MB


def test_takeover_without_asking(plain_site: Site) -> None:
    """Two requests at the same offset, the older idle: the newer is served without HEAD."""
    path = created(plain_site, 10)
    with Wire(plain_site) as old:
        old.head("PATCH", path, patching(0, 10))
        time.sleep(0.2)
        answer = patch(plain_site, path, 0, b"b" * 10)
        assert (answer.status, answer.offset) == (204, 10)
        old.send(b"a" * 10)
        overtaken(old)
    assert content(plain_site, path) == b"b" * 10


@pytest.mark.parametrize("chunked", [False, True])
def test_head_takes_the_right_to_write_away(plain_site: Site, chunked: bool) -> None:
    """What HEAD tells stays true until somebody takes over, however little is still to come."""
    path = created(plain_site, 100)
    with Wire(plain_site) as old:
        old.head("PATCH", path, patching(0, None if chunked else 100))
        send(old, b"a" * 50, chunked)
        wait_for(lambda: held(plain_site, path) == 50, 10, 0.02)
        assert head(plain_site, path).offset == 50
        send(old, b"a" * 50, chunked)
        overtaken(old)
    assert head(plain_site, path).offset == 50
    assert patch(plain_site, path, 50, b"b" * 50).offset == 100
    assert content(plain_site, path) == b"a" * 50 + b"b" * 50


def test_the_newest_of_many_wins(plain_site: Site) -> None:
    """A client that roams again and again: each request ends the right of the one before."""
    path = created(plain_site, 60)
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(plain_site)) for _ in range(6)]
        for turn, wire in enumerate(wires):
            wire.head("PATCH", path, patching(turn * 10, 60 - turn * 10))
            wire.send(bytes([turn]) * 10)
            wait_for(lambda size=turn * 10 + 10: held(plain_site, path) == size, 10, 0.02)  # type: ignore[misc]
        for wire in wires[:-1]:
            wire.send(b"too late")
            overtaken(wire)
        assert wires[-1].answer().offset == 60
    assert content(plain_site, path) == b"".join(bytes([turn]) * 10 for turn in range(6))


@pytest.mark.parametrize(
    ("status", "offset", "headers"),
    [
        (409, "7", {}),
        (413, "10", {"Content-Length": "91"}),
        (415, "10", {"Content-Type": "text/plain"}),
        (400, "10", {"Upload-Checksum": "sha1 x"}),
        (412, "10", {"Tus-Resumable": "0.2.2"}),
    ],
)
def test_a_request_that_is_refused_takes_nothing_over(
    plain_site: Site, status: int, offset: str, headers: dict[str, str]
) -> None:
    """Nobody loses a right to a request that has none."""
    path = created(plain_site, 100)
    with Wire(plain_site) as old:
        old.head("PATCH", path, patching(0, 100))
        old.send(b"a" * 10)
        wait_for(lambda: held(plain_site, path) == 10, 10, 0.02)
        assert (
            ask(plain_site, "PATCH", path, patching(offset, 2, **headers), b"xy").status == status
        )
        old.send(b"a" * 90)
        answer = old.answer()
    assert (answer.status, answer.offset, answer.closes) == (204, 100, False)
    assert content(plain_site, path) == b"a" * 100


def test_one_whose_bytes_all_landed_hears_so_though_another_sent_the_rest(plain_site: Site) -> None:
    """Overtaken after its last byte: what it sent is held, whatever became of the upload since."""
    path = created(plain_site, 100)
    with Wire(plain_site) as older:
        older.head("PATCH", path, patching(0, None))
        older.chunk(b"x" * 10)
        wait_for(lambda: held(plain_site, path) == 10, 5)
        assert patch(plain_site, path, 10, b"y" * 90).offset == 100
        older.chunk(b"")
        answer = older.answer()
    assert (answer.status, answer.offset) == (204, 10)
    assert content(plain_site, path) == b"x" * 10 + b"y" * 90


def test_many_requests_at_one_upload_mix_nothing(plain_site: Site) -> None:
    """Eight clients fight for one upload, each asking where it stands: the file is still right."""
    whole = bytes(range(256)) * 2000
    path = created(plain_site, len(whole))
    answers: list[Answer] = []

    def fight() -> None:
        while True:
            offset = head(plain_site, path).offset
            if offset == len(whole):
                return
            piece = whole[offset : offset + 70_001]
            answers.append(patch(plain_site, path, offset, piece))

    threads = [threading.Thread(target=fight) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {answer.status for answer in answers} <= {204, 409}
    assert content(plain_site, path) == whole

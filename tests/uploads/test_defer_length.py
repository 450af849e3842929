"""tus 1.0.0: creation-defer-length. The length comes later, and once."""

from __future__ import annotations

import threading

import pytest

from tests.running import Site
from tests.uploads.conftest import ROOT, content, head, patch, patching
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask

DEFERRED = {**TUS, "Upload-Defer-Length": "1"}


def deferred(site: Site, **headers: str) -> str:
    answer = ask(site, "POST", ROOT, {**DEFERRED, **headers})
    assert answer.status == 201
    return str(answer.headers["Location"])


def test_length_is_said_later_and_once(plain_site: Site) -> None:
    """POST, b): Upload-Defer-Length in HEAD until the length is known; then it must not change."""
    path = deferred(plain_site)
    answer = head(plain_site, path)
    assert answer.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in answer.headers
    assert patch(plain_site, path, 0, b"a" * 1000).status == 204
    for length, status in ((999, 400), (6 * 2**30, 413), ("9" * 20, 413), ("", 400)):
        answer = patch(plain_site, path, 1000, b"", **{"Upload-Length": str(length)})
        assert answer.status == status
        assert head(plain_site, path).headers["Upload-Defer-Length"] == "1"
    said = {"Upload-Length": "3000"}
    assert patch(plain_site, path, 1000, b"b" * 1000, **said).status == 204
    answer = head(plain_site, path)
    assert answer.headers["Upload-Length"] == "3000"
    assert "Upload-Defer-Length" not in answer.headers
    assert patch(plain_site, path, 2000, b"c", **{"Upload-Length": "3001"}).status == 400
    assert patch(plain_site, path, 2000, b"c" * 1000, **said).status == 204
    assert patch(plain_site, path, 3000, b"", **said).status == 204
    assert patch(plain_site, path, 3000, b"", **{"Upload-Length": "3001"}).status == 400
    assert content(plain_site, path) == b"a" * 1000 + b"b" * 1000 + b"c" * 1000


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Defer-Length": "0"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Defer-Length": "01"},
        {"Upload-Defer-Length": "true"},
        {"Upload-Defer-Length": ""},
        {"Upload-Defer-Length": "1", "Upload-Length": "10"},
        {"Upload-Defer-Length": "1", "Upload-Length": "x"},
    ],
)
def test_defer_length_is_1_and_stands_alone(plain_site: Site, headers: dict[str, str]) -> None:
    """Upload-Defer-Length: its value must be 1; where the length is said, it must be left out."""
    assert ask(plain_site, "POST", ROOT, {**TUS, **headers}).status == 400


@pytest.mark.parametrize("sent", [0, 1000])
def test_the_end_may_be_said_with_an_empty_patch(plain_site: Site, sent: int) -> None:
    path = deferred(plain_site)
    patch(plain_site, path, 0, b"x" * sent)
    assert patch(plain_site, path, sent, b"", **{"Upload-Length": str(sent)}).status == 204
    assert content(plain_site, path) == b"x" * sent


def test_the_length_comes_with_the_last_bytes(plain_site: Site) -> None:
    """As clients that read a stream do: they know its end when they have reached it."""
    path = deferred(plain_site)
    assert patch(plain_site, path, 0, b"abc").offset == 3
    answer = patch(plain_site, path, 3, b"de", **{"Upload-Length": "5"})
    assert (answer.status, answer.offset) == (204, 5)
    assert "Upload-Expires" not in answer.headers  # it is finished
    assert content(plain_site, path) == b"abcde"


def test_creation_with_upload_may_defer_the_length(plain_site: Site) -> None:
    answer = ask(plain_site, "POST", ROOT, {**DEFERRED, **DATA, "Content-Length": "3"}, b"abc")
    assert (answer.status, answer.offset) == (201, 3)
    path = str(answer.headers["Location"])
    assert patch(plain_site, path, 3, b"de", **{"Upload-Length": "5"}).offset == 5
    assert content(plain_site, path) == b"abcde"


@pytest.mark.parametrize("chunked", [False, True])
def test_bytes_beyond_the_length_that_comes_along(plain_site: Site, chunked: bool) -> None:
    """413, and neither the bytes nor the length are kept."""
    path = deferred(plain_site)
    with Wire(plain_site) as wire:
        length = None if chunked else 4
        wire.head("PATCH", path, patching(0, length, **{"Upload-Length": "3"}))
        wire.send(b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n" if chunked else b"abcd")
        assert wire.answer().status == 413
    answer = head(plain_site, path)
    assert (answer.offset, answer.headers["Upload-Defer-Length"]) == (0, "1")


def test_a_cut_body_that_says_the_length(plain_site: Site) -> None:
    """What arrived counts, and so does the length; the client goes on by HEAD."""
    path = deferred(plain_site)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, 10, **{"Upload-Length": "10"}))
        wire.send(b"abc")
        wire.finish_sending()
        assert wire.answer().offset == 3
    answer = head(plain_site, path)
    assert (answer.offset, answer.headers["Upload-Length"]) == (3, "10")
    assert patch(plain_site, path, 3, b"defghij").offset == 10


def test_two_lengths_at_once(plain_site: Site) -> None:
    """Whoever is first sets it; no byte lies beyond it, whatever the other one said."""
    for _ in range(5):
        path = deferred(plain_site)
        answers: dict[int, Answer] = {}

        def say(length: int, path: str = path, answers: dict[int, Answer] = answers) -> None:
            headers = {"Upload-Length": str(length)}
            answers[length] = patch(plain_site, path, 0, b"x" * (length - 1), **headers)

        threads = [threading.Thread(target=say, args=[length]) for length in (5, 50, 500)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert {answer.status for answer in answers.values()} <= {204, 400, 409, 413}
        answer = head(plain_site, path)
        length = int(answer.headers["Upload-Length"])
        assert answers[length].status == 204
        assert answer.offset == length - 1

"""tus 1.0.0: checksum and checksum-trailer. What is not what it should be leaves no trace."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib

import pytest

from tests.running import Site, wait_for
from tests.uploads.conftest import ROOT, content, created, head, patch, patching
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.test_takeover import held, overtaken
from tests.uploads.wire import DATA, Answer, Wire, ask

WHOLE = os.urandom(200_000)
GREETING = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="  # of "hello world", as the specification has it


def checksum(name: str, data: bytes) -> str:
    digest = (
        zlib.crc32(data).to_bytes(4, "big") if name == "crc32" else hashlib.new(name, data).digest()
    )
    return f"{name} {base64.b64encode(digest).decode()}"


RIGHT, WRONG = checksum("sha256", WHOLE), checksum("sha256", b"something else")


def chunked(site: Site, path: str, offset: int, data: bytes, trailer: str, announce: str) -> Answer:
    """PATCH in chunks, with a trailer section."""
    with Wire(site) as wire:
        headers = {"Trailer": announce} if announce else {}
        wire.head("PATCH", path, patching(offset, None, **headers))
        for start in range(0, len(data), 70_000):
            wire.chunk(data[start : start + 70_000])
        wire.send(f"0\r\n{trailer}\r\n".encode())
        return wire.answer()


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512", "md5", "crc32"])
def test_right_checksums_are_taken(plain_site: Site, name: str) -> None:
    """Checksum: each PATCH is verified by the algorithm that it names; sha1 must be one."""
    path = created(plain_site, len(WHOLE))
    for start in (0, 120_000):
        piece = WHOLE[start : start + 120_000]
        headers = {"Upload-Checksum": checksum(name, piece)}
        assert patch(plain_site, path, start, piece, **headers).status == 204
    assert content(plain_site, path) == WHOLE


def test_the_example_of_the_specification(plain_site: Site) -> None:
    path = created(plain_site, 11)
    answer = patch(plain_site, path, 0, b"hello world", **{"Upload-Checksum": GREETING})
    assert (answer.status, answer.offset) == (204, 11)


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512", "md5", "crc32"])
def test_a_wrong_checksum_is_460_and_nothing_is_kept(plain_site: Site, name: str) -> None:
    """Checksum: on a mismatch the chunk must be discarded, and the offset must not be updated."""
    path = created(plain_site, len(WHOLE))
    assert patch(plain_site, path, 0, WHOLE[:50_000]).status == 204
    wrong = {"Upload-Checksum": checksum(name, b"something else")}
    refused = plain_site.patch(plain_site.url + path, 50_000, WHOLE[50_000:], **wrong)
    assert (refused.status_code, refused.reason) == (460, "Checksum Mismatch")
    assert head(plain_site, path).offset == 50_000
    assert patch(plain_site, path, 50_000, WHOLE[50_000:]).status == 204
    assert content(plain_site, path) == WHOLE


HASH = hashlib.sha1(b"0123456789")
RIGHT = base64.b64encode(HASH.digest()).decode()


@pytest.mark.parametrize(
    "header",
    ["", "sha1", "sha1 !!!", "sha1 YWJj", "md5 " + "A" * 400, f"sha3 {RIGHT}", f"SHA1 {RIGHT}"]
    + [f"sha1  {RIGHT}", f"sha1\t{RIGHT}", f"sha1:{RIGHT}", f"sha1 {RIGHT},sha1 {RIGHT}", RIGHT]
    + [f"sha1 {RIGHT.rstrip('=')}", f"sha1 {HASH.hexdigest()}", f"\xe9 {RIGHT}", f"md5 {RIGHT}"],
)
def test_unknown_algorithms_and_bad_values_are_400(plain_site: Site, header: str) -> None:
    """Checksum: 400 if the algorithm is not supported; name, space and Base64, nothing else."""
    path = created(plain_site, 10)
    answer = patch(plain_site, path, 0, b"0123456789", **{"Upload-Checksum": header})
    assert answer.status == 400
    assert b"Upload-Checksum" in answer.body
    assert head(plain_site, path).offset == 0


def test_a_chunk_of_no_bytes_has_a_checksum_too(plain_site: Site) -> None:
    path = created(plain_site, 10)
    assert (
        patch(plain_site, path, 0, b"", **{"Upload-Checksum": checksum("md5", b"")}).status == 204
    )
    assert patch(plain_site, path, 0, b"", **{"Upload-Checksum": GREETING}).status == 460
    assert patch(plain_site, path, 0, b"x" * 10).status == 204
    finished = {"Upload-Checksum": checksum("md5", b"")}
    assert patch(plain_site, path, 10, b"", **finished).status == 204
    assert patch(plain_site, path, 10, b"", **{"Upload-Checksum": GREETING}).status == 460
    trailer = f"Upload-Checksum: {GREETING}\r\n"
    assert chunked(plain_site, path, 10, b"", trailer, "Upload-Checksum").status == 460
    assert chunked(plain_site, path, 10, b"", "", "Upload-Checksum").status == 400


def test_a_cut_body_with_checksum_leaves_nothing(plain_site: Site) -> None:
    """It never was whole, so nobody can say that it is right; without one, what came is kept."""
    path = created(plain_site, len(WHOLE))
    assert patch(plain_site, path, 0, WHOLE[:1000]).status == 204
    rest = len(WHOLE) - 1000
    for headers, kept in (({"Upload-Checksum": checksum("sha1", WHOLE)}, 1000), ({}, 90_000)):
        with Wire(plain_site) as wire:
            wire.head("PATCH", path, patching(1000, rest, **headers))
            wire.send(WHOLE[1000:90_000])
            wire.finish_sending()
            answer = wire.answer()
        assert (answer.status, answer.offset) == (204, kept)
        assert head(plain_site, path).offset == kept


def test_bytes_that_wait_for_their_checksum_do_not_count(plain_site: Site) -> None:
    """HEAD meanwhile tells what stays whatever the checksum will say, and ends the waiting."""
    path = created(plain_site, len(WHOLE))
    assert patch(plain_site, path, 0, WHOLE[:1000]).status == 204
    with Wire(plain_site) as wire:
        headers = {"Upload-Checksum": checksum("sha1", WHOLE[1000:])}
        wire.head("PATCH", path, patching(1000, len(WHOLE) - 1000, **headers))
        wire.send(WHOLE[1000:90_000])
        wait_for(lambda: held(plain_site, path) == 90_000, 10, 0.02)
        assert head(plain_site, path).offset == 1000
        assert held(plain_site, path) == 1000
        wire.send(WHOLE[90_000:])
        overtaken(wire)
    assert patch(plain_site, path, 1000, WHOLE[1000:]).status == 204
    assert content(plain_site, path) == WHOLE


@pytest.mark.parametrize("announce", ["Upload-Checksum", "upload-checksum, X-Other", ""])
@pytest.mark.parametrize("right", [True, False])
def test_checksum_in_the_trailer(plain_site: Site, right: bool, announce: str) -> None:
    """Checksum-trailer: after a body in chunks, announced by Trailer as it should be, or not."""
    path = created(plain_site, len(WHOLE))
    expected = checksum("sha256", WHOLE if right else b"something else")
    trailer = f"Upload-Checksum: {expected}\r\n"
    assert chunked(plain_site, path, 0, WHOLE, trailer, announce).status == (204 if right else 460)
    assert head(plain_site, path).offset == (len(WHOLE) if right else 0)


@pytest.mark.parametrize(
    ("announce", "trailer"),
    [
        ("Upload-Checksum", ""),
        ("Upload-Checksum", "X-Other: 1\r\n"),
        ("Upload-Checksum", "Upload-Checksum: sha0 AA==\r\n"),
        ("", "Upload-Checksum: sha1 !!!\r\n"),
        ("", f"Upload-Checksum: {RIGHT}\r\nUpload-Checksum: {WRONG}\r\n"),
        ("Upload-Checksum", "garbage\r\n"),
        ("Upload-Checksum", f"Upload-Checksum : {RIGHT}\r\n"),
        ("Upload-Checksum", f" Upload-Checksum: {RIGHT}\r\n"),
    ],
)
def test_trailers_that_tell_no_checksum(plain_site: Site, announce: str, trailer: str) -> None:
    """What was announced must come, and what comes must be readable: else nothing is kept."""
    path = created(plain_site, len(WHOLE))
    assert chunked(plain_site, path, 0, WHOLE, trailer, announce).status == 400
    assert head(plain_site, path).offset == 0


def test_a_trailer_needs_chunks(plain_site: Site) -> None:
    """RFC 9112, 7.1.2: a body of known length has no trailer section."""
    path = created(plain_site, 5)
    assert patch(plain_site, path, 0, b"hello", Trailer="Upload-Checksum").status == 400
    assert head(plain_site, path).offset == 0


@pytest.mark.parametrize(("right", "status"), [(True, 201), (False, 460)])
def test_checksum_with_the_creation(plain_site: Site, right: bool, status: int) -> None:
    """Creation With Upload: similar rules as for PATCH; what is wrong makes no upload."""
    before = set((plain_site.data_dir / "uploads").glob("*/*"))
    body = b"hello world" if right else b"hello, world"
    headers = {**DATA, "Upload-Length": str(len(body)), "Content-Length": str(len(body))}
    answer = ask(plain_site, "POST", ROOT, {**headers, "Upload-Checksum": GREETING}, body)
    assert answer.status == status
    if right:
        assert content(plain_site, answer.headers["Location"]) == body
        assert bytes_on_disk(plain_site, answer.headers["Location"])
    else:
        assert "Location" not in answer.headers
        assert set((plain_site.data_dir / "uploads").glob("*/*")) == before

"""tus 1.0.0: creation, creation-with-upload, termination."""

from __future__ import annotations

import base64
import hashlib
import uuid
from pathlib import Path

import pytest

from tests.running import Site, encode_metadata, wait_for
from tests.uploads.conftest import ROOT, created, head, patching
from tests.uploads.wire import DATA, TUS, Wire, ask, identifier

GIB = 1024**3


def bytes_on_disk(site: Site, path: str) -> list[Path]:
    """Every file of this upload in the store."""
    return list((site.data_dir / "uploads").glob(f"*/{identifier(path)}*"))


def posted(length: int | str, body: bytes = b"", **headers: str) -> dict[str, str]:
    return {**DATA, "Upload-Length": str(length), "Content-Length": str(len(body)), **headers}


def test_creation_answers_201_with_location(plain_site: Site) -> None:
    """Creation, POST: 201 with Location; the upload is empty and has an expiry."""
    answer = ask(plain_site, "POST", ROOT, {**TUS, "Upload-Length": "100"})
    assert answer.status == 201
    assert answer.body == b""
    assert answer.headers["Location"].startswith(ROOT)
    assert answer.headers["Upload-Expires"].endswith(" GMT")
    assert answer.offset == 0
    assert head(plain_site, answer.headers["Location"]).offset == 0


@pytest.mark.parametrize(
    "length", ["", "-1", "+5", "abc", "1.0", "1e3", "0x1", "1 0", "1_0", "\xb2", "3,3"]
)
def test_malformed_lengths_are_400(plain_site: Site, length: str) -> None:
    """Creation, Upload-Length: a non-negative integer."""
    assert ask(plain_site, "POST", ROOT, {**TUS, "Upload-Length": length}).status == 400


def test_absent_and_repeated_length_are_400(plain_site: Site) -> None:
    """Creation, POST: without Upload-Length (and without what may replace it) it is refused."""
    assert ask(plain_site, "POST", ROOT, TUS).status == 400
    twice = [*TUS.items(), ("Upload-Length", "3"), ("Upload-Length", "4")]
    assert ask(plain_site, "POST", ROOT, twice).status == 400


@pytest.mark.parametrize("length", [5 * GIB + 1, 2**63 - 1, 2**63, "9" * 20, "9" * 5000])
def test_lengths_above_the_maximum_are_413(plain_site: Site, length: int | str) -> None:
    """Creation, POST: an upload longer than Tus-Max-Size must be 413, however many digits."""
    assert ask(plain_site, "POST", ROOT, {**TUS, "Upload-Length": str(length)}).status == 413


def test_leading_zeros_change_no_length(plain_site: Site) -> None:
    """Core, Upload-Length: a non-negative integer."""
    path = created(plain_site, 0, **{"Upload-Length": "0" * 30 + "7"})
    assert head(plain_site, path).headers["Upload-Length"] == "7"


def test_zero_length_is_finished_at_once(plain_site: Site) -> None:
    """Creation: a length of zero needs no PATCH."""
    path = created(plain_site, 0)
    answer = head(plain_site, path)
    assert (answer.offset, answer.headers["Upload-Length"]) == (0, "0")
    assert "Upload-Expires" not in answer.headers
    assert plain_site.http.get(plain_site.url + path, timeout=10).content == b""
    patch = {**DATA, "Upload-Offset": "0"}
    assert ask(plain_site, "PATCH", path, patch).status == 204


@pytest.mark.parametrize(
    "metadata",
    [
        "key !!!",
        "key YQ",
        "key YQ==YQ==",
        "key Y Q==",
        "key  YQ==",
        "key \xe4",
        "k\xe9y YQ==",
        "key YQ==,key Yg==",
        ",",
        "a YQ==,,b YQ==",
        "a YQ==,",
        "\xa0",
        "key -_-_",
        "k " + "A" * 16400,
        "k " + "A" * 200_000,
        "a" * 20000,
    ],
)
def test_malformed_metadata_is_400(plain_site: Site, metadata: str) -> None:
    """Creation, Upload-Metadata: keys are not empty, ASCII, come once; values are Base64."""
    headers = {**TUS, "Upload-Length": "3", "Upload-Metadata": metadata}
    answer = ask(plain_site, "POST", ROOT, headers)
    assert answer.status == 400
    assert b"Upload-Metadata" in answer.body


@pytest.mark.parametrize(
    "metadata",
    [
        "key",
        "a,b,c",
        "key AAECAwQ=",
        "a YQ==, b Yg==",
        "filename " + base64.b64encode(b"x" * 10000).decode(),
        "filename " + base64.b64encode(b"a\x00b\x1b[31m\r\nSet-Cookie: x=1\xff.mp3").decode(),
        "filename " + base64.b64encode("\U0001f600 \u202e\u0661.mp3".encode()).decode(),
        "filename " + base64.b64encode(b"../../../etc/passwd").decode(),
        "!#$%&'*+-.^_`|~ YQ==",
    ],
)
def test_any_wellformed_metadata_is_kept_verbatim(plain_site: Site, metadata: str) -> None:
    """Creation, Upload-Metadata: values may be binary, empty or absent, and HEAD returns them."""
    path = created(plain_site, 3, **{"Upload-Metadata": metadata})
    assert head(plain_site, path).headers["Upload-Metadata"] == metadata


def test_empty_metadata_is_none(plain_site: Site) -> None:
    path = created(plain_site, 3, **{"Upload-Metadata": ""})
    assert "Upload-Metadata" not in head(plain_site, path).headers


@pytest.mark.parametrize(
    ("agent", "status"), [("\x01\x02", 400), ("\xff" * 300, 201), ("a" * 60000, 201), ("", 201)]
)
def test_any_client_name_is_taken(plain_site: Site, agent: str, status: int) -> None:
    """User-Agent is for people to read; what no header may hold the web server refuses."""
    headers = {**TUS, "Upload-Length": "3", "User-Agent": agent}
    assert ask(plain_site, "POST", ROOT, headers).status == status


def test_creation_with_the_whole_upload(plain_site: Site) -> None:
    """Creation With Upload: the answer tells the offset; a complete one is finished."""
    answer = ask(plain_site, "POST", ROOT, posted(5, b"abcde"), b"abcde")
    assert (answer.status, answer.offset) == (201, 5)
    assert "Upload-Expires" not in answer.headers
    path = answer.headers["Location"]
    assert plain_site.http.get(plain_site.url + path, timeout=10).content == b"abcde"


def test_creation_without_a_byte_tells_the_offset_too(plain_site: Site) -> None:
    """Creation With Upload: Upload-Offset is in the answer; clients that know no byte yet ask."""
    for length in ({"Upload-Length": "5"}, {"Upload-Defer-Length": "1"}):
        for headers in ({**TUS, **length}, {**DATA, **length, "Content-Length": "0"}):
            answer = ask(plain_site, "POST", ROOT, headers)
            assert (answer.status, answer.offset) == (201, 0)


def test_creation_with_the_first_bytes(plain_site: Site) -> None:
    """Creation With Upload: partial data is kept, and PATCH goes on behind it."""
    answer = ask(plain_site, "POST", ROOT, posted(5, b"abc"), b"abc")
    assert (answer.status, answer.offset) == (201, 3)
    path = answer.headers["Location"]
    assert head(plain_site, path).offset == 3
    patch = {**DATA, "Upload-Offset": "3", "Content-Length": "2"}
    assert ask(plain_site, "PATCH", path, patch, b"de").offset == 5


def test_creation_with_upload_in_chunks(plain_site: Site) -> None:
    """RFC 9112, 7.1: the body's length need not be known."""
    with Wire(plain_site) as wire:
        headers = {**DATA, "Upload-Length": "10", "Transfer-Encoding": "chunked"}
        wire.head("POST", ROOT, headers)
        for piece in (b"abc", b"d", b""):
            wire.chunk(piece)
        answer = wire.answer()
    assert (answer.status, answer.offset) == (201, 4)
    assert head(plain_site, answer.headers["Location"]).offset == 4


@pytest.mark.parametrize("kind", ["application/octet-stream", "audio/mpeg", ""])
def test_creation_with_other_content_is_415(plain_site: Site, kind: str) -> None:
    """Creation With Upload: the body must be marked as upload data."""
    headers = posted(3, b"abc", **{"Content-Type": kind})
    assert ask(plain_site, "POST", ROOT, headers, b"abc").status == 415


def test_creation_with_more_than_the_length_leaves_nothing(plain_site: Site) -> None:
    """Creation With Upload: longer than Upload-Length is refused, whether announced or not."""
    before = set((plain_site.data_dir / "uploads").glob("*/*"))
    assert ask(plain_site, "POST", ROOT, posted(2, b"abc"), b"abc").status == 413
    with Wire(plain_site) as wire:
        wire.head("POST", ROOT, {**DATA, "Upload-Length": "2", "Transfer-Encoding": "chunked"})
        wire.chunk(b"abc")
        assert wire.answer().status == 413
    assert set((plain_site.data_dir / "uploads").glob("*/*")) == before


def test_creation_whose_body_is_cut_off(plain_site: Site) -> None:
    """Creation With Upload: what arrived before the end is kept, and the answer names it."""
    with Wire(plain_site) as wire:
        wire.head("POST", ROOT, posted(10, b"x" * 10))
        wire.send(b"abc")
        wire.finish_sending()
        answer = wire.answer()
    assert (answer.status, answer.offset) == (201, 3)
    assert head(plain_site, answer.headers["Location"]).offset == 3


@pytest.mark.parametrize("held", [0, 3, 5])
def test_termination_frees_the_bytes(plain_site: Site, held: int) -> None:
    """Termination: 204, then 404 or 410; here the bytes are gone from the disk, too."""
    path = created(plain_site, 5)
    patch = {**DATA, "Upload-Offset": "0", "Content-Length": str(held)}
    ask(plain_site, "PATCH", path, patch, b"x" * held)
    assert bytes_on_disk(plain_site, path)
    answer = ask(plain_site, "DELETE", path, TUS)
    assert (answer.status, answer.body) == (204, b"")
    assert bytes_on_disk(plain_site, path) == []
    for method in ("HEAD", "PATCH", "DELETE", "GET"):
        assert ask(plain_site, method, path, {**DATA, "Upload-Offset": str(held)}).status == 404


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "text/plain"}, DATA, {"Upload-Checksum": "sha1 MTIz"}]
    + [{"Upload-Checksum": "crc64 whatever"}, {"Trailer": "Upload-Checksum"}],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_creation_without_a_byte(plain_site: Site, headers: dict[str, str], streamed: bool) -> None:
    """A client that always streams sends chunks with nothing in them. A checksum is the whole
    file's then: it says nothing of this request, which brings none of it."""
    fields = {**TUS, "Upload-Length": "5", **headers}
    if streamed:
        fields["Transfer-Encoding"] = "chunked"
    answer = ask(plain_site, "POST", ROOT, fields, b"0\r\n\r\n" if streamed else b"")
    assert (answer.status, answer.offset) == (201, 0), answer.body
    assert head(plain_site, answer.headers["Location"]).offset == 0


def test_chunks_of_another_kind_make_nothing(plain_site: Site) -> None:
    fields = {**TUS, "Upload-Length": "5", "Transfer-Encoding": "chunked"}
    assert ask(plain_site, "POST", ROOT, fields, b"1\r\na\r\n0\r\n\r\n").status == 415
    data = {**DATA, **fields, "Upload-Checksum": "md5 " + A_IN_MD5}
    answer = ask(plain_site, "POST", ROOT, data, b"1\r\na\r\n0\r\n\r\n")
    assert (answer.status, answer.offset) == (201, 1)  # looked at, and not lost by that


A_IN_MD5 = base64.b64encode(hashlib.md5(b"a", usedforsecurity=False).digest()).decode()


@pytest.mark.parametrize("coding", ["gzip", "br", "x-unheard-of", "identity"])
def test_upload_data_is_not_unpacked(plain_site: Site, coding: str) -> None:
    """Content-Encoding: 415, and nothing of it is kept; offsets count the file's own bytes."""
    path = created(plain_site, 5)
    packed = {"Content-Encoding": coding}
    patched = ask(plain_site, "PATCH", path, patching(0, 5, **packed), b"hello")
    posted = {**DATA, "Upload-Length": "5", "Content-Length": "5", **packed}
    made = ask(plain_site, "POST", ROOT, posted, b"hello")
    if coding == "identity":
        assert (patched.status, made.status) == (204, 201)
        return
    assert (patched.status, made.status) == (415, 415)
    assert b"Content-Encoding" in patched.body
    assert head(plain_site, path).offset == 0
    assert created(plain_site, 5, **packed)  # without a body there is nothing to unpack


CHECKSUM = {"Upload-Checksum": "sha1 " + base64.b64encode(bytes(20)).decode()}


@pytest.mark.parametrize(
    ("length", "headers"), [(3_000_000, {}), (None, {}), (3_000_000, CHECKSUM)]
)
def test_termination_during_a_patch(
    plain_site: Site, length: int | None, headers: dict[str, str]
) -> None:
    """Termination: the request in flight hears that the upload is gone, not that it should ask
    again (409): clients would then send everything anew. Nothing of it stays on the disk."""
    path = created(plain_site, 3_000_000)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, length, **headers))
        send = wire.chunk if length is None else wire.send
        send(b"x" * 1_000_000)
        wait_for(lambda: any(file.stat().st_size for file in data_of(plain_site, path)), 5)
        assert ask(plain_site, "DELETE", path, TUS).status == 204
        send(b"x" * 1_000_000)
        answer = wire.answer()  # the rest is not waited for
    assert answer.status == 410
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.closes
    assert bytes_on_disk(plain_site, path) == []
    assert head(plain_site, path).status == 404


def test_a_form_that_staff_end_midway_hears_so(plain_site: Site) -> None:
    """Files that come in a form are uploads, too: 410, as nobody has taken over."""
    name = f"{uuid.uuid4().hex}.flac"
    start = (
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: audio/flac\r\n\r\n"
    ).encode()
    form = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "3000000"}
    with Wire(plain_site) as wire:
        wire.head("POST", "/upload/stream", form)
        wire.send(start + b"fLaC" + bytes(1_000_000))
        path = wait_for(lambda: path_of_named(plain_site, name), 20)
        assert ask(plain_site, "DELETE", path, TUS).status == 204
        wire.send(bytes(1_999_000))
        assert wire.answer().status == 410
    assert bytes_on_disk(plain_site, path) == []


def path_of_named(site: Site, name: str) -> str:
    """The address of the upload with this file name, once there is one."""
    found = site.shell(
        "from uploads.models import Upload\n"
        f"print(*(one.id.hex for one in Upload.objects.filter(file_name='{name}')))"
    ).strip()
    return ROOT + found if found else ""


def data_of(site: Site, path: str) -> list[Path]:
    return [file for file in bytes_on_disk(site, path) if file.suffix != ".fence"]


def test_metadata_of_uploads_is_for_people(plain_site: Site) -> None:
    """The name is data: the file on the disk is called by the identifier alone."""
    metadata = encode_metadata({"filename": "../../escape.mp3"})
    path = created(plain_site, 3, **{"Upload-Metadata": metadata})
    assert [file.name for file in bytes_on_disk(plain_site, path)] == [identifier(path)]
    assert not list(plain_site.data_dir.rglob("*escape*"))

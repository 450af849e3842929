"""tus 1.0.0: concatenation and concatenation-unfinished."""

from __future__ import annotations

import os
import uuid

import pytest

from tests.running import Site, encode_metadata
from tests.uploads.conftest import ROOT, content, created, head, patch
from tests.uploads.test_completion import SHAM, jobs
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask, identifier

WHOLE = os.urandom(200_000)
PARTIAL = {"Upload-Concat": "partial"}


def part(site: Site, data: bytes, send: bool = True, **headers: str) -> str:
    path = created(site, len(data), **PARTIAL, **headers)
    if send:
        assert patch(site, path, 0, data).status == 204
    return path


def final(site: Site, parts: list[str], **headers: str) -> Answer:
    return ask(site, "POST", ROOT, {**TUS, "Upload-Concat": f"final;{' '.join(parts)}", **headers})


def test_parts_are_joined_in_their_order(plain_site: Site) -> None:
    """The final upload is its parts, in the order of the header, and as long as they together."""
    parts = [part(plain_site, WHOLE[:70_000]), part(plain_site, WHOLE[70_000:])]
    addresses = [plain_site.url + parts[0], parts[1]]  # absolute and relative
    made = final(plain_site, addresses)
    assert made.status == 201, made.body
    path = made.headers["Location"]
    answer = head(plain_site, path)
    assert answer.headers["Upload-Offset"] == answer.headers["Upload-Length"] == str(len(WHOLE))
    assert answer.headers["Upload-Concat"] == f"final;{' '.join(addresses)}"
    assert content(plain_site, path) == WHOLE
    answer = head(plain_site, parts[0])
    assert (answer.headers["Upload-Concat"], answer.offset) == ("partial", 70_000)
    # A part may be used again, also twice in one upload.
    again = final(plain_site, [parts[1], parts[1], parts[0]])
    assert again.status == 201
    expected = WHOLE[70_000:] * 2 + WHOLE[:70_000]
    assert content(plain_site, again.headers["Location"]) == expected


def test_parts_made_with_their_bytes(plain_site: Site) -> None:
    """Creation With Upload and concatenation; an empty part is one, too."""
    headers = {**DATA, **PARTIAL, "Upload-Length": "5", "Content-Length": "5"}
    answer = ask(plain_site, "POST", ROOT, headers, b"hello")
    assert (answer.status, answer.offset) == (201, 5)
    assert answer.headers["Upload-Expires"]  # a finished part expires, too
    parts = [answer.headers["Location"], part(plain_site, b"", False), part(plain_site, b" world")]
    assert content(plain_site, final(plain_site, parts).headers["Location"]) == b"hello world"
    assert content(plain_site, final(plain_site, [parts[1]]).headers["Location"]) == b""


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "text/plain"}, {"Upload-Offset": ""}, {"Upload-Length": "3"}]
    + [{"Upload-Offset": "7"}, {"Upload-Checksum": "sha0 x"}],
)
@pytest.mark.parametrize("joined", [True, False])
def test_patch_of_a_final_upload_is_403(
    plain_site: Site, joined: bool, headers: dict[str, str]
) -> None:
    """403, whatever else may be wrong; neither the final upload nor its parts are modified."""
    parts = [part(plain_site, b"one"), part(plain_site, b"two", send=joined)]
    path = final(plain_site, parts).headers["Location"]
    before = [head(plain_site, each).headers.items() for each in (path, *parts)]
    assert patch(plain_site, path, 0, b"more", **headers).status == 403
    after = [head(plain_site, each).headers.items() for each in (path, *parts)]
    for old, new in zip(before, after, strict=True):
        assert {**dict(old), "Date": ""} == {**dict(new), "Date": ""}


def test_unfinished_parts_are_joined_when_they_are_finished(plain_site: Site) -> None:
    """Concatenation-unfinished: no Upload-Offset before all parts are complete."""
    first, second = part(plain_site, WHOLE[:70_000]), part(plain_site, WHOLE[70_000:], send=False)
    made = final(plain_site, [first, second])
    assert made.status == 201
    assert made.headers["Upload-Expires"]
    path = made.headers["Location"]
    answer = head(plain_site, path)
    assert (answer.status, answer.headers["Upload-Length"]) == (200, str(len(WHOLE)))
    assert "Upload-Offset" not in answer.headers
    assert ask(plain_site, "GET", path).status == 404
    assert patch(plain_site, second, 0, WHOLE[70_000:]).status == 204
    answer = head(plain_site, path)
    assert answer.offset == len(WHOLE)
    assert "Upload-Expires" not in answer.headers
    assert content(plain_site, path) == WHOLE


def test_the_length_is_told_as_soon_as_it_is_known(plain_site: Site) -> None:
    """Upload-Length must be included if it can be calculated: parts may say theirs later."""
    answer = ask(plain_site, "POST", ROOT, {**TUS, **PARTIAL, "Upload-Defer-Length": "1"})
    late = answer.headers["Location"]
    path = final(plain_site, [part(plain_site, b"hello"), late]).headers["Location"]
    answer = head(plain_site, path)
    assert answer.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in answer.headers
    assert patch(plain_site, late, 0, b" wor", **{"Upload-Length": "6"}).status == 204
    answer = head(plain_site, path)
    assert answer.headers["Upload-Length"] == "11"
    assert "Upload-Defer-Length" not in answer.headers
    assert "Upload-Offset" not in answer.headers
    assert patch(plain_site, late, 4, b"ld").status == 204
    assert content(plain_site, path) == b"hello world"


@pytest.mark.parametrize(
    "form",
    ["{path}", "{path}/", "{id}", "./{id}", "../files/{id}", "//{host}{path}"]
    + ["http://{host}{path}", "https://{host}{path}", "HTTP://{host}{path}", " {path}"]
    + ["/%75ploads/files/{id}", "https://127.0.0.1:8443{path}", "http://127.0.0.1{path}"]
    + ["https://public.example{path}", "//public.example{path}"],
)
def test_addresses_of_parts(plain_site: Site, form: str) -> None:
    """Absolute or relative, as RFC 3986 has it; https, another port or another name is what a proxy
    may have made of it, without a word to the site."""
    path = part(plain_site, b"good")
    host = f"127.0.0.1:{plain_site.port}"
    made = final(plain_site, [form.format(path=path, id=identifier(path), host=host)])
    assert made.status == 201, made.body
    assert content(plain_site, made.headers["Location"]) == b"good"


NO_UPLOADS = ("x", "{path};x", "/uploads/files/" + "0" * 32, "\xe9")  # they could be one


@pytest.mark.parametrize(
    "form",
    ["http://elsewhere.example/other{path}", "http://user@{host}{path}", "http:///x"]
    + ["ftp://{host}{path}", "javascript:{path}", "file://{path}", "http://[::1", "{path}//"]
    + ["/somewhere/else/{id}", "/uploads/files/", "/uploads/files", "/", "{path},{path}"]
    + ["/uploads/files/../{id}", "../{id}", "%2e%2e/files/{id}", "{path}\xa0{path}"]
    + ["http://{host}:1{path}", *NO_UPLOADS],
)
def test_addresses_that_are_no_part_of_ours(plain_site: Site, form: str) -> None:
    """Parts lie on this host, and their identifiers cannot climb."""
    path = part(plain_site, b"good")
    host = f"127.0.0.1:{plain_site.port}"
    made = final(plain_site, [path, form.format(path=path, id=identifier(path), host=host)])
    assert made.status == (404 if form in NO_UPLOADS else 400)
    assert "Location" not in made.headers


@pytest.mark.parametrize(
    "header",
    ["", "final", "final;", "final; ", "final:{path}", "Final;{path}", "final ;{path}"]
    + ["final;{path},final;{path}", "partial;x", "Partial", "partial,partial", "other"],
)
def test_malformed_concat_headers_are_400(plain_site: Site, header: str) -> None:
    """Upload-Concat: `partial`, or `final`, a semicolon and addresses."""
    path = part(plain_site, b"good")
    headers = {**TUS, "Upload-Concat": header.format(path=path), "Upload-Length": "4"}
    if "final" in header:
        del headers["Upload-Length"]
    assert ask(plain_site, "POST", ROOT, headers).status == 400


def test_what_a_final_upload_cannot_have(plain_site: Site) -> None:
    """No Upload-Length, no body, no part that is none."""
    path = part(plain_site, b"good")
    assert final(plain_site, [path], **{"Upload-Length": "4"}).status == 400
    assert final(plain_site, [path], **{"Upload-Defer-Length": "1"}).status == 400
    headers = {**DATA, "Upload-Concat": f"final;{path}", "Content-Length": "2"}
    assert ask(plain_site, "POST", ROOT, headers, b"ab").status == 400
    plain = created(plain_site, 0)
    assert final(plain_site, [path, plain]).status == 400
    joined = final(plain_site, [path]).headers["Location"]
    assert final(plain_site, [joined]).status == 400
    ask(plain_site, "DELETE", path, TUS)
    assert final(plain_site, [path]).status == 404


def test_parts_are_of_no_interest_until_they_are_joined(plain_site: Site) -> None:
    """Partial uploads should not be processed, and their metadata shall not be transferred."""
    name, other = f"{uuid.uuid4().hex}.mp3", f"{uuid.uuid4().hex}.mp3"
    metadata = {"Upload-Metadata": encode_metadata({"filename": other})}
    path = part(plain_site, SHAM, True, **metadata)
    assert "X-Task-Id" not in head(plain_site, path).headers
    made = final(plain_site, [path])
    assert "Upload-Metadata" not in head(plain_site, made.headers["Location"]).headers
    metadata = {"Upload-Metadata": encode_metadata({"filename": name})}
    made = final(plain_site, [path], **metadata)
    assert jobs(plain_site, name) == [made.headers["X-Task-Id"]]
    answer = head(plain_site, made.headers["Location"])
    assert answer.headers["Upload-Metadata"] == metadata["Upload-Metadata"]
    assert jobs(plain_site, other) == []


def test_terminating_a_final_upload_leaves_its_parts(plain_site: Site) -> None:
    """And the other way round: a final upload has bytes of its own."""
    parts = [part(plain_site, b"one"), part(plain_site, b"two")]
    paths = [final(plain_site, order).headers["Location"] for order in (parts[::-1], parts)]
    assert ask(plain_site, "DELETE", paths[0], TUS).status == 204
    assert head(plain_site, paths[0]).status == 404
    assert content(plain_site, parts[0]) == b"one"
    assert ask(plain_site, "DELETE", parts[0], TUS).status == 204
    assert content(plain_site, paths[1]) == b"onetwo"


def test_a_long_list_of_parts_is_not_told(plain_site: Site) -> None:
    """HEAD of a final upload can be read through a proxy with one page for all headers."""
    parts = [plain_site.url + part(plain_site, b"", False) for _ in range(30)]
    made = final(plain_site, parts)
    answer = head(plain_site, made.headers["Location"])
    assert (answer.status, answer.headers["Upload-Concat"]) == (200, "final;")
    assert len(bytes(answer.headers)) < 1024


def test_a_small_request_does_not_fill_the_disk(plain_site: Site) -> None:
    """Nothing is written for 5,000 times the same part, nor for one that was joined ten times."""
    path = part(plain_site, bytes(1024))
    for count, said in ((5000, "at most 1000 parts"), (1000, "at most 10 times")):
        refused = final(plain_site, [identifier(path)] * count)
        assert refused.status == 400 and said in refused.body.decode(), refused.body[:200]
    for times in (9, 1):
        made = final(plain_site, [path] * times)
        assert len(content(plain_site, made.headers["Location"])) == times * 1024
    refused = final(plain_site, [path], **{"Upload-Metadata": "name b3RoZXI="})
    assert refused.status == 400 and "at most 10 times" in refused.body.decode()


def test_a_whole_that_is_too_large_is_refused_before_a_byte_is_copied(plain_site: Site) -> None:
    """413 for parts that together are longer than Tus-Max-Size, whatever each of them is."""
    large = [created(plain_site, 3 * 1024**3, **PARTIAL) for _ in range(2)]
    assert final(plain_site, large).status == 413


def test_clients_that_always_stream_may_send_no_byte(plain_site: Site) -> None:
    """Chunks, and none in them: nothing came with the creation, of a final upload, either."""
    streaming = {**TUS, "Transfer-Encoding": "chunked"}
    one = part(plain_site, b"hello")
    asked = {**streaming, "Upload-Concat": f"final;{one}"}
    made = ask(plain_site, "POST", ROOT, asked, b"0\r\n\r\n")
    assert made.status == 201, made.body
    assert content(plain_site, made.headers["Location"]) == b"hello"
    assert ask(plain_site, "POST", ROOT, asked, b"1\r\na\r\n0\r\n\r\n").status == 400
    with Wire(plain_site) as wire:
        wire.head("POST", ROOT, {**streaming, "Upload-Length": "5", "Expect": "100-continue"})
        assert wire.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.reader.readline() == b"\r\n"
        wire.send(b"0\r\n\r\n")
        assert wire.answer().status == 201

"""What one request may bring besides a recording: bounded as a whole, and answered in words."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from tests.contract.forms import post
from tests.running import Site
from tests.site.hostile.documents import filled
from tests.site.hostile.target import BOUNDARY, KB
from tests.uploads.conftest import ROOT, created, head, patching
from tests.uploads.wire import TUS, Answer, Wire, ask
from transcription.services.stages import documents


def sentence(answer: Answer) -> str:
    """What a refusal says."""
    return str(json.loads(answer.body)["detail"])


@pytest.mark.parametrize("path", ["/health", "/uploads/files/", "/nowhere"])
def test_all_header_fields_are_bounded_together(site: Site, path: str) -> None:
    """96 fields of 250 kB took a minute of a worker; each by itself was allowed."""
    fields = {f"X-Field-{number}": "a" * 8000 for number in range(9)}
    answer = ask(site, "GET", path, {**TUS, **fields})
    assert (answer.status, answer.closes) == (431, True)
    assert "64 KiB" in sentence(answer)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    del fields["X-Field-0"], fields["X-Field-1"]
    assert ask(site, "GET", path, {**TUS, **fields}).status != 431


def test_large_values_are_for_uploads_on_their_addresses(site: Site) -> None:
    """Metadata and lists of parts reach the upload's own checks, which say what is wrong."""
    large = {**TUS, "Upload-Length": "5", "Upload-Metadata": "filename " + "YQ==" * 50_000}
    answer = ask(site, "POST", ROOT, large)
    assert answer.status == 400 and "Upload-Metadata" in sentence(answer)
    assert ask(site, "POST", "/health", large).status == 431
    assert ask(site, "POST", f"/health?{ROOT}", large).status == 431
    assert ask(site, "POST", ROOT, {**large, "X-Field": "a" * 66_000}).status == 431
    endless = {**large, "Upload-Concat": "a" * 200_000}
    assert ask(site, "POST", ROOT, endless).status == 431


def test_a_head_in_pieces_is_read_as_if_it_came_at_once(site: Site) -> None:
    with Wire(site) as wire:
        for piece in (
            b"\r",
            b"\nGET /health/live HT",
            b"TP/1.1\r",
            b"\nHost: 127.0.0.1\r\n\r",
            b"\n",
        ):
            wire.send(piece)
        assert wire.answer().status == 200
        wire.send(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\n")
        answer = wire.answer()
        assert answer.status == 400 and "bare LF" in sentence(answer)


@pytest.mark.parametrize("cookie", ['a="' + '\\"' * 200 + '"', "a=" + "b" * 33_000])
@pytest.mark.parametrize("path", ["/", "/uploads/files/", "/admin/"])
def test_cookies_that_take_long_to_read_are_refused(site: Site, cookie: str, path: str) -> None:
    """250 kB of backslashes took ten seconds of a worker."""
    answer = ask(site, "GET", path, {"Cookie": cookie, "Accept": "text/html"})
    assert answer.status == 431 and "Delete the cookies" in sentence(answer)
    assert ask(site, "GET", path, {"Cookie": 'theme="da\\"rk"'}).status != 431
    assert ask(site, "GET", path, {"Cookie": "theme=" + "b" * 30_000}).status != 431
    assert ask(site, "GET", "/health/live", {"Cookie": cookie}).status == 200


@pytest.mark.parametrize(
    "accept", ["text/html;" + ";" * 60_000, "a/b," * 15_000, "a/b; c*=no-charset'x'y"]
)
def test_what_a_client_prefers_is_not_read_endlessly(site: Site, accept: str) -> None:
    """60 kB took two seconds, and a charset that there is not was a fault of the server's."""
    assert ask(site, "GET", "/login", {"Accept": accept, "Authorization": ""}).status == 200
    kind = "multipart/form-data" + ";" * 60_000
    assert ask(site, "POST", "/speech-to-text", {"Content-Type": kind}).status == 400


def test_trailers_are_bounded(site: Site) -> None:
    """20 MB of them took half a minute; what came before them is kept."""
    path = created(site, 100, **{"Upload-Metadata": "filename YS53YXY="})
    with Wire(site) as wire:
        wire.head("PATCH", path, patching(0, None))
        wire.chunk(b"RIFF")
        wire.send(b"0\r\n" + b"X-Trailer: " + b"a" * 20_000)
        answer = wire.answer()
    assert (answer.status, answer.closes) == (400, True)
    assert head(site, path).offset == 4
    with Wire(site) as wire:
        wire.head("PATCH", path, patching(4, None))
        wire.chunk(b"WAVE")
        wire.send(b"0\r\nX-Trailer: " + b"a" * 4000 + b"\r\n\r\n")
        assert wire.answer().offset == 8


def test_forms_of_pages_are_short(site: Site) -> None:
    """Megabytes of them were looked through in one step, and files in them filled the disk."""
    form = "application/x-www-form-urlencoded"
    for kind in (form, f"multipart/form-data; boundary={BOUNDARY}"):
        answer = ask(site, "POST", "/login", {"Content-Type": kind, "Content-Length": "200000"})
        assert answer.status == 413 and "128 KiB" in sentence(answer)
    with Wire(site) as wire:
        wire.head("POST", "/login", {"Content-Type": form, "Transfer-Encoding": "chunked"})
        for _ in range(3):
            wire.chunk(b"a" * 60_000)
        assert wire.answer().status == 413
    assert (
        post(site, "/speech-to-text-url", b"%" * 200_000, form, **site.authorization).status_code
        == 413
    )


def test_forms_and_queries_have_so_many_parts(site: Site) -> None:
    head = b'Content-Disposition: form-data; name="a"' + b"\r\na:b" * 60
    parts = b"".join(b"--a-boundary\r\n" + head + b"\r\n\r\n\r\n" for _ in range(90))
    refused = post(site, "/speech-to-text", parts + b"--a-boundary--\r\n", **site.authorization)
    assert refused.status_code == 400
    few = ask(site, "GET", "/task/all?" + "a&" * 999 + "page=1")
    assert few.status == 200 and "total" in json.loads(few.body)
    many = ask(site, "GET", "/task/all?" + "a&" * 1000)
    assert many.status == 400 and "1000" in sentence(many)


@pytest.mark.parametrize("item", [b"{}", b"1", b"[]", b'{"start":1,"end":2,"text":1}'])
def test_a_document_is_given_up_at_its_first_fault(item: bytes) -> None:
    """8 MB of wrong items took 51 s, and 1 MB of `{}` 1.4 GB of memory."""
    content = filled(b'{"word_segments":[],"segments":[', item, b"]}", 1000 * KB)
    tracemalloc.start()
    with pytest.raises(documents.InvalidDocument):
        documents.read_aligned_transcript(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_document_has_so_many_segments_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_ITEMS", 100)
    words = [{"word": "a"}] * 9
    segment = {"start": 0, "end": 1, "text": "a", "words": words}
    document = {"segments": [segment] * 10, "word_segments": []}
    read = documents.read_aligned_transcript(json.dumps(document).encode())
    assert read == document
    document["segments"].append(segment)
    with pytest.raises(documents.InvalidDocument, match="more than 100"):
        documents.read_aligned_transcript(json.dumps(document).encode())
    monkeypatch.undo()
    long = {**segment, "words": [{"word": "a"}] * (documents.MOST_WORDS + 1)}
    with pytest.raises(documents.InvalidDocument, match=f"{documents.MOST_WORDS}"):
        content = json.dumps({"segments": [long], "word_segments": []})
        documents.read_aligned_transcript(content.encode())

"""UPLOADS_ACCEPT=media: what is no recording is refused early, finally, with a clear sentence."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

import pytest

from tests.running import Site, encode_metadata, wait_for
from tests.uploads.conftest import ROOT, created, head
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask, identifier
from uploads.stores.disk import FENCE_SUFFIX

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 8
SPEECH = Path(__file__).parent.parent / "speech" / "goforward.flac"


def patching(offset: int, length: int) -> dict[str, str]:
    return {**DATA, "Upload-Offset": str(offset), "Content-Length": str(length)}


def ordered(name: str | None = "talk.mp3", **metadata: str) -> dict[str, str]:
    fields = metadata if name is None else {"filename": name, **metadata}
    return {"Upload-Metadata": encode_metadata(fields)} if fields else {}


def posted(site: Site, length: int, headers: dict[str, str]) -> Answer:
    return ask(site, "POST", ROOT, {**TUS, "Upload-Length": str(length), **headers})


def file_of(site: Site, path: str) -> Path:
    """Where its bytes lie, those that do not count yet, too."""
    return site.data_dir / "uploads" / identifier(path)[:2] / identifier(path)


def refused(site: Site, path: str) -> None:
    """The upload has ended, and never looks complete."""
    answer = head(site, path)
    assert answer.status == 410
    assert "Upload-Offset" not in answer.headers
    for method in ("PATCH", "GET", "DELETE"):
        assert ask(site, method, path, patching(0, 0)).status == 410
    assert bytes_on_disk(site, path) == []


def test_a_picture_named_mp3_is_refused_with_its_first_bytes(site: Site) -> None:
    """After 512 bytes, not after 5 GB; while the client still sends, and HEAD is final."""
    path = created(site, 20_000_000, **ordered())
    with Wire(site) as wire:
        wire.head("PATCH", path, patching(0, 20_000_000))
        wire.send(PNG)
        answer = wire.answer()
    assert answer.status == 415
    assert b"PNG" in answer.body
    assert answer.closes
    refused(site, path)


def test_a_picture_in_small_pieces_is_refused_before_512_bytes_are_acknowledged(site: Site) -> None:
    path = created(site, len(PNG), **ordered())
    acknowledged = 0
    while True:
        piece = PNG[acknowledged : acknowledged + 100]
        answer = ask(site, "PATCH", path, patching(acknowledged, 100), piece)
        if answer.status != 204:
            break
        acknowledged = answer.offset
    assert (answer.status, acknowledged) == (415, 500)
    refused(site, path)


@pytest.mark.parametrize("size", [1, 8, 100, 511, 512, 513])
@pytest.mark.parametrize("pieces", [1, 2])
def test_a_whole_file_of_few_bytes_is_refused_at_its_end(
    site: Site, size: int, pieces: int
) -> None:
    """Shorter than 512 bytes: judged when whole, and HEAD never tells offset = length."""
    path = created(site, size, **ordered())
    border = size // 2 if pieces == 2 else 0
    if border:
        assert ask(site, "PATCH", path, patching(0, border), PNG[:border]).status == 204
    rest = PNG[border:size]
    assert ask(site, "PATCH", path, patching(border, len(rest)), rest).status == 415
    refused(site, path)


def test_a_picture_with_the_creation_is_refused(site: Site) -> None:
    before = set((site.data_dir / "uploads").glob("*/*"))
    headers = {**DATA, "Upload-Length": "2000", "Content-Length": "2000", **ordered()}
    answer = ask(site, "POST", ROOT, headers, PNG[:2000])
    assert answer.status == 415
    assert "Location" not in answer.headers
    assert set((site.data_dir / "uploads").glob("*/*")) == before


def test_a_picture_in_chunks_of_one_byte_is_refused(site: Site) -> None:
    path = created(site, len(PNG), **ordered())
    with Wire(site) as wire:
        headers = patching(0, 0) | {"Transfer-Encoding": "chunked"}
        del headers["Content-Length"]
        wire.head("PATCH", path, headers)
        for at in range(512):
            wire.chunk(PNG[at : at + 1])
        assert wire.answer().status == 415
    refused(site, path)


def test_withdrawn_bytes_do_not_speak_for_others(site: Site) -> None:
    """A chunked body beyond the length is taken back: what comes in its place is judged anew."""
    path = created(site, 1000, **ordered())
    with Wire(site) as wire:
        headers = patching(0, 0) | {"Transfer-Encoding": "chunked"}
        del headers["Content-Length"]
        wire.head("PATCH", path, headers)
        wire.chunk(b"ID3\x04" + bytes(900))
        wire.chunk(bytes(900))
        assert wire.answer().status == 413
    assert head(site, path).offset == 0
    assert ask(site, "PATCH", path, patching(0, 1000), PNG[:1000]).status == 415
    refused(site, path)


@pytest.mark.parametrize("how", ["cut", "headed", "framed"])
def test_bytes_that_fell_away_do_not_speak_for_others(site: Site, how: str) -> None:
    """Good first bytes were judged, and never counted: their checksum did not come."""
    path = created(site, 1000, **ordered())
    good = b"ID3\x04" + bytes(596)
    with Wire(site) as wire:
        if how == "framed":
            headers = patching(0, 0) | {"Transfer-Encoding": "chunked"}
            headers["Trailer"] = "Upload-Checksum"
            del headers["Content-Length"]
            wire.head("PATCH", path, headers)
            wire.chunk(good)
            wire.send(b"no chunk\r\n")
            assert wire.answer().status == 400
        else:
            sums = {"Upload-Checksum": f"md5 {base64.b64encode(bytes(16)).decode()}"}
            wire.head("PATCH", path, patching(0, 700) | sums)
            wire.send(good)
            wait_for(lambda: file_of(site, path).stat().st_size == 600, 5)
            if how == "cut":
                wire.finish_sending()
            else:
                assert head(site, path).offset == 0
                wire.send(bytes(100))
            wire.answer()
    assert head(site, path).offset == 0
    assert ask(site, "PATCH", path, patching(0, 1000), PNG[:1000]).status == 415
    refused(site, path)


def test_bytes_that_came_too_late_do_not_speak_for_others(site: Site) -> None:
    """They were judged, and another request had the right to write."""
    path = created(site, 1000, **ordered())
    with Wire(site) as late:
        late.head("PATCH", path, patching(0, 600))
        fence = file_of(site, path).with_suffix(FENCE_SUFFIX)
        wait_for(lambda: fence.exists() and fence.read_bytes()[:16].strip(b"\0"), what="a writer")
        with Wire(site) as cut:
            cut.head("PATCH", path, patching(0, 1000))
            cut.send(PNG[:100])
            cut.finish_sending()
            assert cut.answer().offset == 100
        late.send(b"ID3\x04" + bytes(596))
        assert late.answer().status == 409
    assert ask(site, "PATCH", path, patching(100, 900), PNG[100:1000]).status == 415
    refused(site, path)


def test_a_part_whose_bytes_were_withdrawn_is_still_not_judged(site: Site) -> None:
    """The second half of a recording looks like nothing; a wrong checksum does not change that."""
    path = created(site, len(PNG), **ordered(), **{"Upload-Concat": "partial"})
    wrong = {"Upload-Checksum": f"md5 {base64.b64encode(bytes(16)).decode()}"}
    assert ask(site, "PATCH", path, patching(0, 100) | wrong, PNG[:100]).status == 460
    assert ask(site, "PATCH", path, patching(0, len(PNG)), PNG).status == 204


def test_an_empty_recording_is_refused(site: Site) -> None:
    answer = posted(site, 0, ordered())
    assert answer.status == 415
    assert b"empty" in answer.body


@pytest.mark.parametrize("name", ["notes.txt", "noending", ".mp3x", "a.mp3.exe", "mp3", "a.mp3/b"])
def test_names_of_other_files_are_415_at_creation(site: Site, name: str) -> None:
    answer = posted(site, 10, ordered(name))
    assert answer.status == 415
    assert b".mp3" in answer.body  # it says what would be taken


@pytest.mark.parametrize("headers", [{}, ordered(""), ordered(None, language="en"), ordered("..")])
def test_without_a_name_it_is_400(site: Site, headers: dict[str, str]) -> None:
    assert posted(site, 10, headers).status == 400


@pytest.mark.parametrize("name", ["A.MP3", "C:\\talks\\b.WebM", "\U0001f600.flac", "a b.m4a "])
def test_names_of_recordings_are_taken(site: Site, name: str) -> None:
    assert posted(site, 10, ordered(name)).status == 201


def test_the_name_may_come_under_another_key(site: Site) -> None:
    """Some clients say `name` and `type`; unknown keys do not count."""
    metadata = encode_metadata({"name": "a.mp3", "type": "audio/mpeg", "relativePath": "null"})
    assert posted(site, 10, {"Upload-Metadata": metadata}).status == 201


@pytest.mark.parametrize("task", ["1", "not-a-uuid", "x" * 36, "../../etc", "\x01"])
def test_a_task_identifier_that_is_no_uuid_is_400(site: Site, task: str) -> None:
    answer = posted(site, 10, ordered(taskId=task))
    assert answer.status == 400
    assert b"taskId" in answer.body


@pytest.mark.parametrize(
    ("option", "value"),
    [("language", "xx"), ("language", "EN-us"), ("language", "\x01"), ("model", "no-such-model")]
    + [("model", "/etc/passwd"), ("task", "sing")],
)
def test_unknown_options_are_422_at_creation(site: Site, option: str, value: str) -> None:
    answer = posted(site, 10, ordered(**{option: value}))
    assert answer.status == 422
    assert option.encode() in answer.body


@pytest.mark.parametrize("options", [{"language": "auto"}, {"language": "lv", "model": "tiny"}])
def test_known_options_are_taken(site: Site, options: dict[str, str]) -> None:
    assert posted(site, 10, ordered(**options)).status == 201


def test_a_task_identifier_is_bound_when_the_upload_finishes(site: Site) -> None:
    """Unknown until then, shared by unfinished uploads; then taken, and its job not touched."""
    data = SPEECH.read_bytes()
    task = str(uuid.uuid4())
    headers = ordered("goforward.flac", taskId=task)
    paths = [created(site, len(data), **headers) for _ in range(2)]
    assert site.http.get(f"{site.url}/task/{task}", timeout=10).status_code == 404
    answer = ask(site, "PATCH", paths[1], patching(0, len(data)), data)
    assert (answer.status, answer.headers["X-Task-Id"]) == (204, task)
    done = site.wait_for_task(task)
    assert done["status"] == "completed"
    answer = posted(site, len(data), headers)
    assert answer.status == 409
    assert task.encode() in answer.body
    answer = ask(site, "PATCH", paths[0], patching(0, len(data)), data)
    other = answer.headers["X-Task-Id"]
    assert other != task
    assert site.task(task) == done
    site.http.delete(f"{site.url}/task/{other}/delete", timeout=10)


def test_a_recording_is_served_as_what_it_is(site: Site) -> None:
    """Content-Type from the probe, shown in the browser, in a sandbox."""
    data = SPEECH.read_bytes()
    path = created(site, len(data), **ordered("goforward.flac", filetype="text/html"))
    task = ask(site, "PATCH", path, patching(0, len(data)), data).headers["X-Task-Id"]
    assert site.wait_for_task(task)["status"] == "completed"
    answer = ask(site, "GET", path, {"Range": "bytes=-100"})
    assert (answer.status, answer.body) == (206, data[-100:])
    assert answer.headers["Content-Type"].startswith("audio/")
    assert answer.headers["Content-Disposition"] == 'inline; filename="goforward.flac"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    probe = ask(site, "HEAD", path)
    assert probe.headers["Content-Type"] == answer.headers["Content-Type"]
    assert probe.headers["Content-Length"] == str(len(data))

"""Completion happens once, whatever clients repeat; and every answer names the same job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.running import Site, encode_metadata
from tests.speech import recordings
from tests.uploads.conftest import ROOT, created, head
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask

# Looks like a recording, so it becomes a job; holds none, so the job ends soon.
SHAM = b"ID3\x04" + bytes(996)


def patching(offset: int, length: int) -> dict[str, str]:
    return {**DATA, "Upload-Offset": str(offset), "Content-Length": str(length)}


def ordered(name: str, **metadata: str) -> dict[str, str]:
    return {"Upload-Metadata": encode_metadata({"filename": name, **metadata})}


def jobs(site: Site, name: str) -> list[str]:
    """Identifiers of all jobs of a file of this name."""
    listed: list[dict[str, Any]] = site.http.get(f"{site.url}/task/all", timeout=20).json()["tasks"]
    return [task["identifier"] for task in listed if task["file_name"] == name]


@pytest.fixture
def name() -> str:
    return f"{uuid.uuid4().hex}.mp3"


def test_the_last_patch_and_head_name_the_job(plain_site: Site, name: str) -> None:
    """So a page can show "already transcribed", and where."""
    path = created(plain_site, 1000, **ordered(name))
    first = ask(plain_site, "PATCH", path, patching(0, 600), SHAM[:600])
    assert first.status == 204
    assert "X-Task-Id" not in first.headers
    last = ask(plain_site, "PATCH", path, patching(600, 400), SHAM[600:])
    assert last.status == 204
    assert "Upload-Expires" not in last.headers
    assert jobs(plain_site, name) == [last.headers["X-Task-Id"]]
    assert head(plain_site, path).headers["X-Task-Id"] == last.headers["X-Task-Id"]


def test_creation_with_the_whole_upload_names_the_job(plain_site: Site, name: str) -> None:
    headers = {**DATA, "Upload-Length": "1000", "Content-Length": "1000", **ordered(name)}
    answer = ask(plain_site, "POST", ROOT, headers, SHAM)
    assert (answer.status, answer.offset) == (201, 1000)
    assert jobs(plain_site, name) == [answer.headers["X-Task-Id"]]


@pytest.mark.parametrize("chunked", [False, True])
def test_empty_patches_on_a_finished_upload_change_nothing(
    plain_site: Site, name: str, chunked: bool
) -> None:
    """The last answer was lost: the client asks again at the end, and hears the same."""
    path = created(plain_site, 1000, **ordered(name))
    task = ask(plain_site, "PATCH", path, patching(0, 1000), SHAM).headers["X-Task-Id"]
    headers = patching(1000, 0)
    if chunked:
        del headers["Content-Length"]
        headers["Transfer-Encoding"] = "chunked"
    for _ in range(3):
        answer = ask(plain_site, "PATCH", path, headers, b"0\r\n\r\n" if chunked else b"")
        assert (answer.status, answer.offset) == (204, 1000)
        assert answer.headers["X-Task-Id"] == task
    assert jobs(plain_site, name) == [task]


def test_a_lost_last_answer(plain_site: Site, name: str) -> None:
    """The client is gone before the answer: HEAD says finished, the same bytes again are 409."""
    path = created(plain_site, 1000, **ordered(name))
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, patching(0, 1000))
        wire.send(SHAM)
        time.sleep(0.3)
        wire.reset()
    answer = head(plain_site, path)
    assert answer.offset == 1000
    task = answer.headers["X-Task-Id"]
    assert ask(plain_site, "PATCH", path, patching(0, 1000), SHAM).status == 409
    assert jobs(plain_site, name) == [task]


def test_the_same_last_piece_from_many_at_once(plain_site: Site, name: str) -> None:
    """One of them finishes the upload; nobody hears of another job, or of a fault."""
    path = created(plain_site, 1000, **ordered(name))
    ask(plain_site, "PATCH", path, patching(0, 600), SHAM[:600])

    def last_piece(turn: int) -> Answer:
        if turn % 4 == 3:
            return head(plain_site, path)
        return ask(plain_site, "PATCH", path, patching(600, 400), SHAM[600:])

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(last_piece, range(32)))
    patches = [answer for turn, answer in enumerate(answers) if turn % 4 != 3]
    assert sorted({answer.status for answer in patches}) == [204, 409]
    tasks = {answer.headers["X-Task-Id"] for answer in answers if answer.headers["X-Task-Id"]}
    assert jobs(plain_site, name) == list(tasks)
    for answer in answers:
        if answer.status in (200, 204) and answer.offset == 1000:
            assert "X-Task-Id" in answer.headers


def test_many_empty_patches_at_the_end_at_once(plain_site: Site, name: str) -> None:
    """The retries of an impatient client."""
    path = created(plain_site, 1000, **ordered(name))
    ask(plain_site, "PATCH", path, patching(0, 1000), SHAM)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: ask(plain_site, "PATCH", path, patching(1000, 0)), range(24))
        )
    assert {answer.status for answer in answers} == {204}
    assert len({answer.headers["X-Task-Id"] for answer in answers}) == 1
    assert len(jobs(plain_site, name)) == 1


def test_uploads_of_one_task_identifier_that_finish_at_once(plain_site: Site, name: str) -> None:
    """The identifier is bound when an upload finishes: one gets it, the others an own one."""
    wanted = str(uuid.uuid4())
    paths = [created(plain_site, 1000, **ordered(name, taskId=wanted)) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda path: ask(plain_site, "PATCH", path, patching(0, 1000), SHAM), paths)
        )
    assert {answer.status for answer in answers} == {204}
    tasks = [answer.headers["X-Task-Id"] for answer in answers]
    assert len(set(tasks)) == 6
    assert tasks.count(wanted) == 1
    assert sorted(jobs(plain_site, name)) == sorted(tasks)


def test_a_finished_upload_may_be_removed(plain_site: Site, name: str) -> None:
    """Termination of a finished upload: its bytes go, its job's record stays."""
    path = created(plain_site, 1000, **ordered(name))
    task = ask(plain_site, "PATCH", path, patching(0, 1000), SHAM).headers["X-Task-Id"]
    assert ask(plain_site, "DELETE", path, TUS).status == 204
    assert head(plain_site, path).status == 404
    assert ask(plain_site, "GET", path).status == 404
    assert jobs(plain_site, name) == [task]


def test_what_is_no_media_becomes_no_job(plain_site: Site) -> None:
    """UPLOADS_ACCEPT=any: a plain tus server; everything is stored."""
    name = f"{uuid.uuid4().hex}.txt"
    path = created(plain_site, 5, **ordered(name))
    answer = ask(plain_site, "PATCH", path, patching(0, 5), b"hello")
    assert answer.status == 204
    assert "X-Task-Id" not in answer.headers
    assert jobs(plain_site, name) == []


@pytest.mark.parametrize("called", ["", "talk", "talk.dat"])
def test_media_becomes_a_job_whatever_it_is_called(
    plain_site: Site, tmp_path: Path, called: str
) -> None:
    """UPLOADS_ACCEPT=any: the content tells, the name only helps."""
    data = recordings.write(tmp_path / "goforward.ogg", recordings.speech()).read_bytes()
    path = created(plain_site, len(data), **(ordered(called) if called else {}))
    answer = ask(plain_site, "PATCH", path, patching(0, len(data)), data)
    assert answer.status == 204
    assert plain_site.wait_for_task(answer.headers["X-Task-Id"])["status"] == "completed"
    assert head(plain_site, path).headers["X-Task-Id"] == answer.headers["X-Task-Id"]


@pytest.mark.parametrize("content", [bytes(1000), b"\x47" + b"hello " * 200, b"\xff\xfb nothing"])
def test_what_only_resembles_media_and_has_no_name_becomes_no_job(
    plain_site: Site, content: bytes
) -> None:
    path = created(plain_site, len(content))
    answer = ask(plain_site, "PATCH", path, patching(0, len(content)), content)
    assert answer.status == 204
    assert "X-Task-Id" not in answer.headers


@pytest.mark.parametrize("braced", ["{%s}", "urn:uuid:%s", "%s0", " ", "", "no uuid"])
def test_a_plain_server_judges_the_task_identifier_too(
    plain_site: Site, name: str, braced: str
) -> None:
    wanted = braced % uuid.uuid4() if "%" in braced else braced
    fields = {**TUS, "Upload-Length": "1000", **ordered(name, taskId=wanted)}
    answer = ask(plain_site, "POST", ROOT, fields)
    assert answer.status == 400
    assert b"taskId" in answer.body


@pytest.mark.parametrize("form", [str, lambda task: task.hex, lambda task: str(task).upper()])
def test_a_task_identifier_that_names_a_job_is_409(
    plain_site: Site, name: str, form: Callable[[uuid.UUID], str]
) -> None:
    task = uuid.uuid4()
    path = created(plain_site, 1000, **ordered(name, taskId=form(task)))
    answer = ask(plain_site, "PATCH", path, patching(0, 1000), SHAM)
    assert answer.headers["X-Task-Id"] == str(task)
    fields = {**TUS, "Upload-Length": "1000", **ordered(name, taskId=form(task))}
    answer = ask(plain_site, "POST", ROOT, fields)
    assert answer.status == 409
    assert jobs(plain_site, name) == [str(task)]


@pytest.mark.parametrize(
    "metadata",
    [
        {"language": "\x00" * 3},
        {"language": "x" * 500},
        {"model": "a\x00b"},
        {"task": "y" * 100},
        {"language": "\U0001f600"},
    ],
)
def test_odd_options_on_a_plain_server_still_make_a_job(
    plain_site: Site, name: str, metadata: dict[str, str]
) -> None:
    """UPLOADS_ACCEPT=any judges no option at POST: what cannot be meant must not lose the job."""
    path = created(plain_site, 1000, **ordered(name, **metadata))
    answer = ask(plain_site, "PATCH", path, patching(0, 1000), SHAM)
    assert answer.status == 204
    assert jobs(plain_site, name) == [answer.headers["X-Task-Id"]]

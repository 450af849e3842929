"""Tasks: one, all, their progress, their end (contract, sections 3, 4, 5, 6 and 9), over HTTP."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.running import Site, wait_for
from tests.speech import recordings

from .kept import MAKE

METADATA = {
    *("task_type", "task_params", "language", "file_name", "url", "callback_url", "duration"),
    *("audio_duration", "start_time", "end_time"),
}
ROW = {
    *("identifier", "status", "task_type", "file_name", "url", "audio_duration", "language"),
    *("error", "duration", "start_time", "end_time"),
}
DETAIL = {"status", "result", "metadata", "error"}
WORD = {"word": "One", "start": 0.5, "end": 1.0, "score": 0.9}
LAST = {"word": "three.", "start": 1.5, "end": 2.0, "score": 0.0}
SPOKEN = {
    "start": 0.5,
    "end": 2.0,
    "text": "One 2 three.",
    "speaker": "SPEAKER_00",
    "words": [{**WORD, "speaker": "SPEAKER_00"}, LAST],
}


@pytest.fixture(scope="module")
def kept(site: Site) -> dict[str, str]:
    """The identifiers of tasks made by hand, by their names, the oldest first."""
    made: dict[str, str] = json.loads(site.shell(MAKE))
    return made


def get(site: Site, path: str, **query: Any) -> requests.Response:
    return site.http.get(site.url + path, params=query, timeout=30)


def listed(site: Site, **query: Any) -> dict[str, Any]:
    answer = get(site, "/task/all", **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


# One task (section 4) ---------------------------------------------------------------------------


def test_keys_of_a_task(site: Site, kept: dict[str, str]) -> None:
    for identifier in kept.values():
        task = site.task(identifier)
        assert set(task) == DETAIL and set(task["metadata"]) == METADATA


@pytest.mark.parametrize(
    "name, status",
    [("full", "completed"), ("warned", "completed"), ("failed", "failed")]
    + [("cancelled", "failed"), ("processing", "processing")],
)
def test_four_states(site: Site, kept: dict[str, str], name: str, status: str) -> None:
    """Section 3, and what comes with each."""
    task = site.task(kept[name])
    facts = task["metadata"]
    assert task["status"] == status
    assert (task["result"] is None) == (status != "completed")
    assert (task["error"] is None) == (status != "failed")
    for key in ("duration", "end_time"):
        assert (facts[key] is None) == (status != "completed"), key
    assert (facts["start_time"] is None) == (name == "cancelled")


def test_all_that_is_known_of_a_task(site: Site, kept: dict[str, str]) -> None:
    facts = site.task(kept["full"])["metadata"]
    started, ended = (facts.pop(key) for key in ("start_time", "end_time"))
    assert facts == {
        "task_type": "full_process",
        "task_params": {
            "model": "tiny",
            "asr_options": {"beam_size": 5},
            "max_speakers": None,
        },
        "language": "lv",  # as it was asked for, not as it was heard
        "file_name": "kept-full.wav",
        "url": "http://example.org/a%20b.wav",
        "callback_url": "http://example.org/",
        "duration": 2.5,
        "audio_duration": 6.25,
    }
    assert started == "2026-01-02T03:04:05.678900+00:00"
    assert (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds() == 2.5


def test_what_is_not_known_is_null(site: Site, kept: dict[str, str]) -> None:
    facts = site.task(kept["combination"])["metadata"]
    for key in ("task_params", "language", "file_name", "url", "callback_url", "audio_duration"):
        assert facts[key] is None, key
    assert facts["task_type"] == "combine_transcript&diarization"


def test_the_reason_of_a_failure_is_plain_text(site: Site, kept: dict[str, str]) -> None:
    assert site.task(kept["failed"])["error"] == "The sound is broken."
    assert "cancelled" in site.task(kept["cancelled"])["error"]


def test_no_other_identifier_names_it(site: Site, kept: dict[str, str]) -> None:
    """Sections 1 and 6: an identifier is a text; what is none gives 404, not 422."""
    key = kept["full"]
    odd = [key.upper(), key.replace("-", ""), f"{{{key}}}", f"urn:uuid:{key}", f"{key} ", f"{key}x"]
    odd += [" ", "all ", "ALL", "ä", "😀", "a" * 3000, "'", "%", "null", "0", "1e9", "\\", "..."]
    odd += [str(uuid.uuid4()), "00000000-0000-0000-0000-000000000000", "a\nb", "<b>", "a;b", "?#"]
    for said in odd:
        path = quote(said, safe="")
        for method, address in (
            ("GET", f"/task/{path}"),
            ("DELETE", f"/task/{path}/delete"),
            ("GET", f"/tasks/{path}/progress"),
        ):
            answer = site.http.request(method, site.url + address, timeout=30)
            assert answer.status_code == 404, (method, said)
            error = answer.json()["error"]
            assert uuid.UUID(error.pop("correlation_id")).version == 4
            assert error == {
                "message": "The requested task could not be found. Please check the task ID.",
                "code": "TASK_NOT_FOUND",
                "identifier": said,
            }
            assert set(answer.json()) == {"error"}


def test_bytes_that_are_no_text_name_no_task(site: Site) -> None:
    answer = site.http.get(site.url + "/task/%ff%fe", timeout=30)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "TASK_NOT_FOUND"


def test_a_tus_client_finds_its_task_as_it_named_it(site: Site, tmp_path: Path) -> None:
    """Section 11.2: taskId becomes the identifier, however the client writes a UUID."""
    path = recordings.write(tmp_path / "go.wav", recordings.speech())
    for said in (str(uuid.uuid4()).upper(), uuid.uuid4().hex):
        site.upload(path, taskId=said)
        plain = str(uuid.UUID(said))
        for identifier in (said, plain):
            assert get(site, f"/task/{identifier}").status_code == 200
            assert get(site, f"/tasks/{identifier}/progress").status_code == 200
        deleted = site.http.delete(f"{site.url}/task/{said}/delete", timeout=30)
        assert deleted.json() == {"identifier": said, "message": "Task deleted"}
        assert get(site, f"/task/{plain}").status_code == 404


# Results (section 4.1) --------------------------------------------------------------------------


def test_result_of_the_whole_way(site: Site, kept: dict[str, str]) -> None:
    """Words without times or score are dropped, with them segments that have no others."""
    for name in ("full", "warned"):
        result = site.task(kept[name])["result"]
        wordless = {"start": 5.0, "end": 6.0, "text": " Wordless", "words": []}
        assert result == {"segments": [SPOKEN, wordless], "word_segments": []}


def test_result_of_a_combination(site: Site, kept: dict[str, str]) -> None:
    result = site.task(kept["combination"])["result"]
    assert result == {"segments": [SPOKEN], "word_segments": []}


def test_result_of_a_transcription(site: Site, kept: dict[str, str]) -> None:
    assert site.task(kept["transcription"])["result"] == {
        "segments": [
            {"start": 0.5, "end": 2.0, "text": " One 2 three.", "avg_logprob": -0.25},
            {"start": 3.0, "end": 4.0, "text": " 4 5"},
            {"start": 5.0, "end": 6.0, "text": " Wordless", "avg_logprob": -1.5},
        ],
        "language": "lv",
    }


def test_result_of_an_alignment(site: Site, kept: dict[str, str]) -> None:
    first = {"start": 0.5, "end": 2.0, "text": "One 2 three.", "avg_logprob": -0.25}
    words = [WORD, {"word": "2", "start": 1.0, "end": 1.2}, LAST]
    bare = [{"word": "4"}, {"word": "5"}]
    assert site.task(kept["alignment"])["result"] == {
        "segments": [
            {**first, "words": words, "chars": [{"char": "O"}]},
            {"start": 3.0, "end": 4.0, "text": "4 5", "words": bare},
            {"start": 5.0, "end": 6.0, "text": " Wordless", "words": [], "avg_logprob": -1.5},
        ],
        "word_segments": words,
    }


def test_result_of_a_diarization_is_a_list(site: Site, kept: dict[str, str]) -> None:
    turn = {"label": "A", "speaker": "SPEAKER_00", "start": 0.5, "end": 2.0}
    assert site.task(kept["diarization"])["result"] == [turn]


# The list (section 5) ---------------------------------------------------------------------------


def test_the_list_is_whole_and_begins_with_the_oldest(site: Site, kept: dict[str, str]) -> None:
    body = listed(site, unknown="x", limit=1)
    assert set(body) == {"tasks"}
    assert all(set(row) == ROW for row in body["tasks"])
    found = [row["identifier"] for row in body["tasks"] if row["identifier"] in kept.values()]
    assert found == list(kept.values())


def test_a_row_says_what_the_task_says(site: Site, kept: dict[str, str]) -> None:
    rows = {row["identifier"]: row for row in listed(site)["tasks"]}
    for identifier in kept.values():
        task, row = site.task(identifier), rows[identifier]
        assert (row["status"], row["error"]) == (task["status"], task["error"])
        for key in ROW - {"identifier", "status", "error"}:
            assert row[key] == task["metadata"][key], key


def names(body: dict[str, Any]) -> list[str]:
    return [
        row["file_name"] for row in body["tasks"] if (row["file_name"] or "").startswith("kept")
    ]


@pytest.mark.parametrize(
    "part, found",
    [("KEPT-f", ["full", "failed"]), ("t-ful", ["full"]), (".wav.", []), ("kept_full", [])]
    + [("100%_", ["Ā"]), ("ārsts", ["Ā"]), ("Ä.mp3", ["Ā"]), ("%", ["Ā"]), ("x" * 200, [])]
    + [("ā.*", []), ("[ä]", []), ("kept-full\0", ["full"]), ("😀", []), ("\\", []), ("'", [])],
)
def test_search(site: Site, kept: dict[str, str], part: str, found: list[str]) -> None:
    """A part of the file's name, whatever the case; wildcards are letters."""
    for query in ({}, {"page_size": 200}):
        said = names(listed(site, q=part, **query))
        assert len(said) == len(found) and all(any(f in name for name in said) for f in found)


@pytest.mark.parametrize(
    "status, found",
    [("completed", 6), ("failed", 2), ("processing", 1), ("queued", 0), ("warnings", 0)]
    + [("cancelled", 0), ("Completed", 0), ("complete", 0), ("", 9), ("x" * 32, 0), ("\0", 0)],
)
def test_status_filter(site: Site, kept: dict[str, str], status: str, found: int) -> None:
    """Exactly the four words that clients know."""
    for query in ({}, {"page": 1, "page_size": 200}):
        body = listed(site, q="kept", status=status, **query)
        assert len(body["tasks"]) == found - (status in ("", "completed"))  # one has no name
        assert not status or {row["status"] for row in body["tasks"]} <= {status}


def test_pages(site: Site, kept: dict[str, str]) -> None:
    """Only where they are asked for; the newest first."""
    whole = [row["identifier"] for row in listed(site, q="kept-")["tasks"]]
    assert len(whole) == 8
    pages = [listed(site, q="kept-", page=number, page_size=3) for number in (1, 2, 3, 4)]
    for number, body in enumerate(pages, 1):
        assert set(body) == {"tasks", "total", "page", "page_size"}
        assert (body["total"], body["page"], body["page_size"]) == (8, number, 3)
    found = [row["identifier"] for body in pages for row in body["tasks"]]
    assert found == whole[::-1]
    assert [len(body["tasks"]) for body in pages] == [3, 3, 2, 0]
    for query, size in (({"page": 1}, 50), ({"page_size": 200}, 200), ({"page_size": 1}, 1)):
        body = listed(site, **query)
        assert (body["page"], body["page_size"]) == (1, size) and len(body["tasks"]) <= size
    assert listed(site, page=10**30)["tasks"] == []
    assert listed(site, page="+1", page_size=" 2 ")["page_size"] == 2
    last = get(site, "/task/all?page=0&page=2&page_size=1&page_size=5").json()
    assert (last["page"], last["page_size"]) == (2, 5)


@pytest.mark.parametrize(
    "name, value, kind, message, bound",
    [
        ("page", "0", "greater_than_equal", "greater than or equal to 1", {"ge": 1}),
        ("page", "-1", "greater_than_equal", "greater than or equal to 1", {"ge": 1}),
        ("page_size", "0", "greater_than_equal", "greater than or equal to 1", {"ge": 1}),
        ("page_size", "201", "less_than_equal", "less than or equal to 200", {"le": 200}),
        ("page", "", "int_parsing", "a valid integer, unable to parse string as an integer", None),
        ("page", "x", "int_parsing", "a valid integer, unable to parse string as an integer", None),
        ("page_size", "1.5", "int_parsing", "a valid integer, unable to parse string", None),
        ("page", "null", "int_parsing", "a valid integer, unable to parse string", None),
        ("q", "x" * 201, "string_too_long", "at most 200 characters", {"max_length": 200}),
        ("status", "x" * 33, "string_too_long", "at most 32 characters", {"max_length": 32}),
    ],
)
def test_out_of_range(
    site: Site, name: str, value: str, kind: str, message: str, bound: dict[str, int] | None
) -> None:
    """422 with all that is wrong (sections 5 and 6)."""
    answer = get(site, "/task/all", **{name: value})
    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert message in fault.pop("msg")
    context = {"ctx": bound} if bound else {}
    assert fault == {"type": kind, "loc": ["query", name], "input": value, **context}


def test_all_faults_come_together(site: Site) -> None:
    answer = get(site, "/task/all", page="0", page_size="x", q="x" * 201, status="x" * 33)
    assert answer.status_code == 422
    assert {fault["loc"][1] for fault in answer.json()["detail"]} == {
        *("page", "page_size", "q", "status")
    }


# Progress (section 9) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, stage, percent",
    [("full", "complete", 100), ("warned", "complete", 100), ("failed", "aligning", 41)]
    + [("cancelled", "queued", 0), ("processing", "transcribing", 12)],
)
def test_progress(site: Site, kept: dict[str, str], name: str, stage: str, percent: int) -> None:
    """By the contract's keys, and by those that its own web client reads."""
    answer = get(site, f"/tasks/{kept[name]}/progress")
    body = answer.json()
    task = site.task(kept[name])
    assert (answer.status_code, body["identifier"]) == (200, kept[name])
    assert (body["status"], body["error"]) == (task["status"], task["error"])
    assert body["progress_stage"] == body["stage"] == stage
    assert body["progress_percentage"] == body["percentage"] == percent
    assert isinstance(body["percentage"], int) and isinstance(body["message"], str)


# Delete, in every state -------------------------------------------------------------------------


def delete(site: Site, identifier: str) -> requests.Response:
    return site.http.delete(f"{site.url}/task/{identifier}/delete", timeout=30)


def test_delete_ended_tasks(site: Site) -> None:
    made: dict[str, str] = json.loads(site.shell(MAKE))
    for identifier in made.values():
        answer = delete(site, identifier)
        assert (answer.status_code, answer.json()) == (
            200,
            {"identifier": identifier, "message": "Task deleted"},
        )
        for again in (delete(site, identifier), get(site, f"/task/{identifier}")):
            assert (again.status_code, again.json()["error"]["code"]) == (404, "TASK_NOT_FOUND")
    assert not {row["identifier"] for row in listed(site)["tasks"]} & set(made.values())


def test_delete_working_and_waiting_tasks(site: Site, tmp_path: Path) -> None:
    """Section 15.8: first queued, then processing; both can go, and the next one is served."""
    long = recordings.write(tmp_path / "long.wav", recordings.long_speech(200))
    short = recordings.write(tmp_path / "short.wav", recordings.speech())
    working, waiting, last = (str(uuid.uuid4()) for _ in range(3))
    for identifier, path in ((working, long), (waiting, long), (last, short)):
        site.upload(path, chunk=1 << 24, taskId=identifier)
    wait_for(lambda: site.task(working)["status"] == "processing", 30)
    assert site.task(working)["metadata"]["start_time"]
    assert site.task(waiting)["status"] == "queued"
    assert site.task(waiting)["metadata"]["start_time"] is None
    progress = get(site, f"/tasks/{waiting}/progress").json()
    assert (progress["stage"], progress["percentage"]) == ("queued", 0)
    queued = listed(site, status="queued")["tasks"]
    assert {waiting, last} <= {row["identifier"] for row in queued}
    assert {row["status"] for row in queued} == {"queued"}
    for identifier in (waiting, working):
        assert delete(site, identifier).status_code == 200
        assert get(site, f"/tasks/{identifier}/progress").status_code == 404
    assert site.wait_for_task(last)["status"] == "completed"

"""One task: its keys, state, result and progress (contract, sections 3, 4 and 9), over HTTP."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.running import Site
from tests.speech import recordings

from .task_requests import get

METADATA = {
    *("task_type", "task_params", "language", "file_name", "url", "callback_url", "duration"),
    *("audio_duration", "start_time", "end_time"),
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
            ("GET", f"/task/{path}/partial"),
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
            assert get(site, f"/task/{identifier}/partial").status_code == 200
        deleted = site.http.delete(f"{site.url}/task/{said}/delete", timeout=30)
        assert deleted.json() == {"identifier": said, "message": "Task deleted"}
        assert get(site, f"/task/{plain}").status_code == 404


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


def test_text_so_far_of_an_ended_task_is_its_transcription(
    site: Site, kept: dict[str, str]
) -> None:
    """Without speakers; of a task that never transcribed, and of a failed one, it is empty."""
    body = get(site, f"/task/{kept['transcription']}/partial").json()
    assert (body["status"], body["error"], body["language"]) == ("completed", None, "lv")
    first = {"start": 0.5, "end": 2.0, "text": " One 2 three.", "avg_logprob": -0.25}
    words = [WORD, {"word": "2", "start": 1.0, "end": 1.2}, LAST]
    assert body["segments"] == [
        {**first, "words": words},
        {"start": 3.0, "end": 4.0, "text": " 4 5", "words": [{"word": "4"}, {"word": "5"}]},
        {"start": 5.0, "end": 6.0, "text": " Wordless", "avg_logprob": -1.5},
    ]
    later = get(site, f"/task/{kept['transcription']}/partial", after=3).json()
    assert later["segments"] == body["segments"][1:] and not later["more"]
    for name, status in (("diarization", "completed"), ("failed", "failed")):
        body = get(site, f"/task/{kept[name]}/partial").json()
        assert (body["status"], body["segments"]) == (status, [])


@pytest.mark.parametrize("after", ["-1", "nan", "inf", "x", ""])
def test_text_so_far_is_asked_for_by_seconds(site: Site, kept: dict[str, str], after: str) -> None:
    answer = get(site, f"/task/{kept['transcription']}/partial", after=after)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "after"]

"""JSON that forms bring instead of what an earlier stage would give (sections 4.2 and 6)."""

import json
import uuid
from typing import Any

import pytest

from tests.running import Site, wait_for

from .forms import (
    ALIGNED,
    TRANSCRIPT,
    TURNS,
    accepted,
    file,
    form,
    post,
)

# Documents (§4.2, §6) ---------------------------------------------------------------------------


def align(site: Site, transcript: Any, name: str = "t.json", audio: bytes | None = None) -> Any:
    return post(site, "/service/align", form(file("transcript", name, transcript), audio or file()))


def combine(site: Site, aligned: Any, turns: Any, *names: str) -> Any:
    first, second = names or ("a.json", "d.json")
    return post(
        site,
        "/service/combine",
        form(file("aligned_transcript", first, aligned), file("diarization_result", second, turns)),
    )


def segment(**facts: Any) -> dict[str, Any]:
    return {"segments": [{"start": 0, "end": 1, "text": "a", **facts}], "language": "en"}


WRONG_TRANSCRIPTS: list[Any] = [
    {"segments": []},
    {"language": "en"},
    {"segments": None, "language": "en"},
    {**TRANSCRIPT, "language": 5},
    segment(text=5),
    segment(text=None),
    segment(start="soon"),
    segment(end=None),
    # where the first service failed with 500
    *([], None, 5, "x", b"", b"{", b"\xff\xfe\xff", b"[" * 100_000),
    b'{"segments": [{"start": ' + b"9" * 5000 + b', "end": 1, "text": "a"}], "language": "en"}',
]


@pytest.mark.parametrize("content", WRONG_TRANSCRIPTS, ids=lambda value: repr(value)[:40])
def test_a_wrong_transcript(site: Site, content: Any) -> None:
    """§6: 422 INVALID_TRANSCRIPT_JSON with `field` null; 500 is for nobody."""
    answer = align(site, content)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "INVALID_TRANSCRIPT_JSON")
    assert error["field"] is None and uuid.UUID(error["correlation_id"])


@pytest.mark.parametrize(
    "content",
    [
        {**TRANSCRIPT, "more": 1},
        pytest.param({"segments": [], "language": "en"}, marks=pytest.mark.proof),
        pytest.param(segment(start="0.5", words=5), marks=pytest.mark.proof),
        b"\xef\xbb\xbf" + json.dumps(TRANSCRIPT).encode(),
        pytest.param(json.dumps(TRANSCRIPT).encode("utf-16"), marks=pytest.mark.proof),
        segment(text="\ud800 half \0"),
        {**TRANSCRIPT, "language": "\ud800"},
        pytest.param({**TRANSCRIPT, "language": ""}, marks=pytest.mark.proof),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_transcript_that_will_do(site: Site, content: Any) -> None:
    """§4.2, §6: more keys, a byte order mark and halves of characters do no harm."""
    site.task(accepted(align(site, content)))


@pytest.mark.parametrize(
    ("aligned", "turns", "code"),
    [
        ({"segments": []}, TURNS, "INVALID_TRANSCRIPT_JSON"),
        (TRANSCRIPT, TURNS, "INVALID_TRANSCRIPT_JSON"),
        ({**segment(words=[{"start": 0}]), "word_segments": []}, TURNS, "INVALID_TRANSCRIPT_JSON"),
        ([], [{}], "INVALID_TRANSCRIPT_JSON"),
        (ALIGNED, [{}], "INVALID_DIARIZATION_JSON"),
        (ALIGNED, [{**TURNS[0], "label": 5}], "INVALID_DIARIZATION_JSON"),
        (ALIGNED, {"a": 1}, "INVALID_DIARIZATION_JSON"),
        (ALIGNED, None, "INVALID_DIARIZATION_JSON"),
        (ALIGNED, [None], "INVALID_DIARIZATION_JSON"),
        (ALIGNED, [1], "INVALID_DIARIZATION_JSON"),
        (ALIGNED, b"[", "INVALID_DIARIZATION_JSON"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_wrong_documents_to_combine(site: Site, aligned: Any, turns: Any, code: str) -> None:
    """§6: the transcript's faults come first."""
    answer = combine(site, aligned, turns)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (422, code, None)


def test_documents_to_combine_that_will_do(site: Site) -> None:
    """§6: `{}` is an empty list of turns; words need no times; halves of characters are shown."""
    site.task(accepted(combine(site, ALIGNED, {})))
    site.task(accepted(combine(site, ALIGNED, [])))
    timeless = {**segment(words=[{"word": "a", "start": None}]), "word_segments": [{"word": "a"}]}
    site.task(accepted(combine(site, timeless, TURNS)))
    halves = {**segment(words=[{"word": "\ud800"}]), "word_segments": []}
    turns = [{**TURNS[0], "speaker": "\udfff"}]
    task = site.wait_for_task(accepted(combine(site, halves, turns)))
    assert task["status"] == "completed", task


def test_joining_that_takes_long_ends_with_its_task(site: Site) -> None:
    """§3: where all overlaps, joining takes minutes; whoever deletes the task frees the worker."""
    spans = [{"start": 0, "end": 1}] * 30_000
    said = [{**span, "text": "", "words": []} for span in spans]
    turns = [{**span, "label": "A", "speaker": "B"} for span in spans]
    long = accepted(combine(site, {"segments": said, "word_segments": []}, turns))
    wait_for(lambda: site.task(long)["status"] == "processing", 30)
    site.http.delete(f"{site.url}/task/{long}/delete", timeout=30)
    assert site.wait_for_task(accepted(combine(site, ALIGNED, TURNS)))["status"] == "completed"


def test_names_of_documents(site: Site) -> None:
    """§2.2, §6: .json alone, in any case, 400; the names before the contents."""
    accepted(align(site, TRANSCRIPT, "T.JSON"))
    for name in ("t.txt", "t", "", ".json"):
        answer = align(site, b"{", name)
        assert answer.status_code == 400
        said = f"Invalid file extension for file {name}. Allowed: {{'.json'}}"
        assert answer.json()["detail"] == said
    # the transcript, by name and content, before the recording
    answer = align(site, TRANSCRIPT, "t.txt", file("file", "a.txt"))
    assert "t.txt" in answer.json()["detail"]
    answer = align(site, b"{", "t.json", file("file", "a.txt"))
    assert answer.json()["error"]["code"] == "INVALID_TRANSCRIPT_JSON"
    answer = align(site, TRANSCRIPT, "t.json", file("file", "a.txt"))
    assert "a.txt" in answer.json()["detail"]
    # both names before both contents
    assert "d.txt" in combine(site, b"{", b"{", "a.json", "d.txt").json()["detail"]
    assert "a.txt" in combine(site, b"{", b"{", "a.txt", "d.txt").json()["detail"]

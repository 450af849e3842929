"""`/v1/audio/transcriptions` with `stream`, as OpenAI's own client reads it, and on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest
import requests
from openai.types.audio.transcription_text_delta_event import TranscriptionTextDeltaEvent
from openai.types.audio.transcription_text_done_event import TranscriptionTextDoneEvent
from openai.types.audio.transcription_text_segment_event import TranscriptionTextSegmentEvent

from tests.running import Site
from tests.speech import able_engine, recordings, steady_engine

TYPES: dict[str, type[pydantic.BaseModel]] = {
    "transcript.text.delta": TranscriptionTextDeltaEvent,
    "transcript.text.segment": TranscriptionTextSegmentEvent,
    "transcript.text.done": TranscriptionTextDoneEvent,
}
FAIL = """
from transcription.models import Job
Job.objects.filter(pk="{}").update(state="failed", error="It broke.")
"""


@pytest.fixture(scope="module")
def three_sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "three.wav"
    return recordings.write(path, recordings.long_speech(9))


@pytest.fixture(scope="module")
def able_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose engine tells two people apart, unless the file `closed` is there."""
    folder = tmp_path_factory.mktemp("able")
    closed = {able_engine.CLOSED: str(folder / "closed")}
    site = Site(folder / "data", fresh=False, **able_engine.environment(folder), **closed).start()
    yield site
    site.kill_everything()


@pytest.fixture(scope="module")
def steady_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose engine gives a sentence twice a second."""
    folder = tmp_path_factory.mktemp("steady")
    place = f"{steady_engine.__name__}:Steady"
    environment = able_engine.environment(folder, place, "steady")
    site = Site(folder / "data", fresh=False, **environment).start()
    yield site
    site.kill_everything()


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.write(tmp_path_factory.mktemp("minute") / "a.wav", recordings.long_speech(60))


def stream(site: Site, path: Path, **fields: Any) -> openai.Stream[Any]:
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.key, max_retries=0)
    with path.open("rb") as file:
        events: openai.Stream[Any] = client.audio.transcriptions.create(
            file=file, stream=True, **{"model": "gpt-4o-transcribe", **fields}
        )
    return events


def read(events: openai.Stream[Any]) -> list[dict[str, Any]]:
    """All events, each as the client's own types have it."""
    found = [event.to_dict() for event in events]
    for event in found:
        TYPES[event["type"]].model_validate(event, strict=True)
    return found


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event.get("delta", "") for event in events)


def test_all_events(steady_site: Site, three_sentences: Path) -> None:
    site = steady_site
    events = stream(site, three_sentences, model="whisper-1", language="en")
    headers = events.response.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-cache", "no")
    assert headers["X-Transcription-Model"] == "small"
    *deltas, done = read(events)
    assert [event["type"] for event in deltas] == ["transcript.text.delta"] * 11
    assert done["type"] == "transcript.text.done"
    said = [steady_engine.sentence(second) for second in range(11)]
    assert done["text"] == text_of(deltas) == " ".join(said)
    assert (done["model"], done["engine"]) == ("small", "steady")
    assert site.task(headers["X-Task-Id"])["status"] == "completed"


def test_texts_come_while_the_work_goes_on(steady_site: Site, minute: Path) -> None:
    """Who goes meanwhile has the job cancelled."""
    site = steady_site
    events = stream(site, minute)
    identifier = events.response.headers["X-Task-Id"]
    first = {"type": "transcript.text.delta", "delta": steady_engine.sentence(0)}
    assert next(events).to_dict() == first
    assert next(events).delta == f" {steady_engine.sentence(1)}"
    assert site.task(identifier)["status"] == "processing"
    events.close()
    assert "cancelled" in site.wait_for_task(identifier, 20)["error"]


def test_signs_of_life(steady_site: Site, minute: Path) -> None:
    """Comments tell what is done before there is a text."""
    site = steady_site
    with (
        minute.open("rb") as file,
        site.http.post(
            f"{site.url}/v1/audio/transcriptions",
            data={"model": "whisper-1", "stream": "true"},
            files={"file": file},
            stream=True,
            timeout=60,
        ) as answer,
    ):
        lines = answer.iter_lines(decode_unicode=True)
        said = [next(lines) for _ in range(2)]
        assert said[0].startswith(": ") and said[0].endswith(" %") and said[1] == ""
    assert "cancelled" in site.wait_for_task(answer.headers["X-Task-Id"], 20)["error"]


@pytest.mark.proof
@pytest.mark.parametrize(
    ("end", "message", "code"),
    [
        (
            lambda site, job: site.http.delete(f"{site.url}/task/{job}/delete", timeout=30),
            "The transcription was cancelled.",
            "cancelled",
        ),
        (
            lambda site, job: site.shell(FAIL.format(job)),
            "It broke.",
            "transcription_failed",
        ),
    ],
    ids=("deleted", "failed"),
)
def test_errors_are_events(
    steady_site: Site,
    minute: Path,
    end: Callable[[Site, str], object],
    message: str,
    code: str,
) -> None:
    events = stream(steady_site, minute)
    next(events)
    end(steady_site, events.response.headers["X-Task-Id"])
    with pytest.raises(openai.APIError) as problem:
        for _ in events:
            pass
    assert (problem.value.message, problem.value.code) == (message, code)


def test_what_is_refused_has_a_status(site: Site, tmp_path: Path) -> None:
    """Before there is a job nothing is sent: clients see that it makes no sense to try again."""
    path = tmp_path / "noise.mp3"
    path.write_bytes(b"\xff\xfb\x90\x64" + bytes(600))
    with pytest.raises(openai.BadRequestError):
        stream(site, path)


def test_a_language_that_the_engine_does_not_know(able_site: Site, three_sentences: Path) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        stream(able_site, three_sentences, language="fr")
    assert (refusal.value.param, refusal.value.code) == ("language", "unsupported_value")


def test_who_speaks(able_site: Site, three_sentences: Path) -> None:
    """Two people; and where nobody can tell them apart the answer says so, and has the text."""
    site, fields = able_site, {"response_format": "diarized_json"}
    events = read(stream(site, three_sentences, **fields))
    segments = [event for event in events if event["type"] == "transcript.text.segment"]
    assert [(one["id"], one["speaker"], one["text"]) for one in segments] == [
        ("seg_001", "A", "Good morning."),
        ("seg_002", "B", "Hello, shall we go on?"),
        ("seg_003", "A", "Yes."),
    ]
    whole = "Good morning. Hello, shall we go on? Yes."
    assert events[-1]["text"] == text_of(events) == whole
    assert events[-1]["model"] == "small"

    (site.data_dir.parent / "closed").touch()
    answer = requests.post(
        f"{site.url}/v1/audio/transcriptions",
        data={"model": "gpt-4o-transcribe-diarize", **fields},
        files={"file": three_sentences.read_bytes()},
        headers=site.authorization,
        timeout=60,
    )
    body = answer.json()
    assert (body["text"], answer.headers["X-Transcription-Model"]) == (whole, "small")
    assert {segment["speaker"] for segment in body["segments"]} == {"unknown"}
    assert "HF_TOKEN" in body["warnings"][0]
    last = read(stream(site, three_sentences, **fields))[-1]
    assert last["warnings"] == body["warnings"]

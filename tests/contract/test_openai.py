"""`/v1/audio/`, with OpenAI's own client and by hand, against the running site."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import openai
import pytest
import requests
from openai.types.audio.transcription_diarized import TranscriptionDiarized

from tests.running import Site
from tests.speech import recordings

SAID = recordings.TEXT
SECONDS = 2.8
SEGMENT_KEYS = {
    *("id", "seek", "start", "end", "text", "tokens", "temperature"),
    *("avg_logprob", "compression_ratio", "no_speech_prob"),
}
VERBOSE_KEYS = {"task", "language", "duration", "text", "usage"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("openai") / "go forward.wav"
    return recordings.write(path, recordings.speech())


@pytest.fixture(scope="module")
def client(site: Site) -> openai.OpenAI:
    return client_of(site)


def client_of(site: Site, key: str = "") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{site.url}/v1", api_key=key or site.key, max_retries=0)


def post(
    site: Site, path: Path | None, route: str = "transcriptions", **fields: Any
) -> requests.Response:
    """The form as plain programs send it; a field `x__` becomes `x[]`."""
    data = [
        (name.replace("__", "[]"), one)
        for name, value in {"model": "whisper-1", **fields}.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    content = {"file": (path.name, path.read_bytes())} if path else {"x": ("", b"")}
    return site.http.post(f"{site.url}/v1/audio/{route}", data=data, files=content, timeout=60)


def test_the_text(client: openai.OpenAI, recording: Path) -> None:
    with recording.open("rb") as file:
        answer = client.audio.transcriptions.create(file=file, model="whisper-1")
    assert answer.text == SAID
    assert answer.usage is not None
    assert answer.usage.to_dict() == {"type": "duration", "seconds": 3}


def test_a_recording_without_a_name_that_tells_its_kind(
    client: openai.OpenAI, recording: Path
) -> None:
    """The client calls bytes `upload`."""
    content = io.BytesIO(recording.read_bytes())
    assert client.audio.transcriptions.create(file=content, model="tiny").text == SAID


def test_plain_texts_to_the_letter(site: Site, recording: Path) -> None:
    """As OpenAI answers: a line break more after a text, one or two more after subtitles."""
    bodies = {}
    for kind in ("text", "srt", "vtt"):
        answer = post(site, recording, response_format=kind)
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            200,
            "text/plain; charset=utf-8",
        )
        assert answer.headers["X-Transcription-Engine"] == "faster-whisper"
        bodies[kind] = answer.text
    times = bodies["srt"].split("\n")[1]
    assert bodies["text"] == f"{SAID}\n"
    assert bodies["srt"] == f"1\n{times}\n{SAID}\n\n\n"
    assert bodies["vtt"] == f"WEBVTT\n\n{times.replace(',', '.')}\n{SAID}\n\n"


def test_segments_in_full(site: Site, recording: Path) -> None:
    answer = post(site, recording, response_format="verbose_json", prompt="a", temperature="0.2")
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert body.keys() == VERBOSE_KEYS | {"segments"}
    assert (body["task"], body["language"]) == ("transcribe", "english")
    assert body["text"].lower().strip(".") == SAID.lower().strip(".")  # prompt and temperature
    assert body["duration"] == pytest.approx(SECONDS, abs=0.1)
    (segment,) = body["segments"]
    assert segment.keys() == SEGMENT_KEYS
    assert (segment["id"], segment["text"], segment["temperature"]) == (0, f" {body['text']}", 0.2)
    assert 0 <= segment["start"] < segment["end"] <= body["duration"]
    assert segment["avg_logprob"] < 0 and math.isfinite(segment["avg_logprob"])
    task = site.task(answer.headers["X-Task-Id"])
    assert task["status"] == "completed"
    assert task["metadata"]["file_name"] == "go forward.wav"


def test_words(client: openai.OpenAI, site: Site, recording: Path) -> None:
    with recording.open("rb") as file:
        both = client.audio.transcriptions.create(
            file=file,
            model="whisper-1",
            language="en",
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    assert both.words and both.segments
    assert [word.word for word in both.words] == SAID.split()
    assert all(word.start < word.end for word in both.words)
    alone = post(
        site, recording, response_format="verbose_json", timestamp_granularities__=["word"]
    ).json()
    assert alone.keys() == VERBOSE_KEYS | {"words"}
    assert all(word.keys() == {"word", "start", "end"} for word in alone["words"])


def test_translations(client: openai.OpenAI, site: Site, recording: Path) -> None:
    with recording.open("rb") as file:
        assert client.audio.translations.create(file=file, model="whisper-1").text == SAID
    body = post(site, recording, "translations", response_format="verbose_json").json()
    assert (body["task"], body["language"]) == ("translate", "english")


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"model": ""}, 400, None, None),
        ({"response_format": "xml"}, 400, "response_format", "invalid_value"),
        ({"temperature": "warm"}, 400, "temperature", "invalid_value"),
        ({"temperature": "1.1"}, 400, "temperature", "invalid_value"),
        ({"temperature": "nan"}, 400, "temperature", "invalid_value"),
        ({"language": "klingon"}, 400, "language", "invalid_language_format"),
        ({"timestamp_granularities__": ["word"]}, 400, "timestamp_granularities", None),
        (
            {"timestamp_granularities__": ["word", "letter"], "response_format": "verbose_json"},
            400,
            "timestamp_granularities",
            "invalid_value",
        ),
        ({"stream": "true", "response_format": "srt"}, 400, "stream", "unsupported_value"),
        ({"known_speaker_names__": ["Ann"]}, 400, "known_speaker_names", "unsupported_value"),
    ],
    ids=str,
)
def test_refused_fields(
    site: Site, recording: Path, fields: dict[str, Any], status: int, param: str, code: str
) -> None:
    answer = post(site, recording, **fields)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["X-Request-ID"]


def test_refused_files(site: Site, client: openai.OpenAI, tmp_path: Path) -> None:
    missing = post(site, None)
    assert missing.status_code == 400
    assert missing.json()["error"]["param"] == "file"
    as_json = site.http.post(
        f"{site.url}/v1/audio/transcriptions", json={"model": "whisper-1"}, timeout=30
    )
    assert (as_json.status_code, as_json.json()["error"]["type"]) == (400, "invalid_request_error")
    bad_form = site.http.post(
        f"{site.url}/v1/audio/transcriptions",
        data=b"x",
        headers={"Content-Type": "multipart/form-data"},
        timeout=30,
    )
    assert (bad_form.status_code, bad_form.json()["error"]["param"]) == (400, None)
    for name, content in (
        ("notes.txt", b"Dear all, " * 100),
        ("empty.wav", b""),
        ("picture.mp3", b"\x89PNG\r\n\x1a\n" + bytes(600)),
        ("noise.mp3", b"\xff\xfb\x90\x64" + bytes(600)),
    ):
        with pytest.raises(openai.BadRequestError) as refusal:
            client.audio.transcriptions.create(file=(name, content), model="whisper-1")
        assert isinstance(refusal.value.body, dict)
        assert refusal.value.body["type"] == "invalid_request_error", name
    jobs = site.http.get(f"{site.url}/task/all", timeout=30).json()["tasks"]
    assert not {"notes.txt", "empty.wav", "picture.mp3"} & {job["file_name"] for job in jobs}


@pytest.mark.parametrize(
    ("said", "used"),
    [
        ("gpt-4o-transcribe", "tiny.en"),  # WHISPER_MODEL
        ("gpt-4o-mini-transcribe-2025-12-15", "tiny.en"),
        ("whisper-large-v3", "large-v3"),
        ("openai/whisper-large-v3-turbo", "large-v3-turbo"),
        ("Systran/faster-whisper-tiny.en", "tiny.en"),
        ("someone/some-model", "tiny.en"),
        ("/etc", "tiny.en"),
    ],
)
def test_fixed_model_names(site: Site, recording: Path, said: str, used: str) -> None:
    """Aliases of models that the site knows, else its own; the header says what did the work."""
    answer = post(site, recording, model=said)
    assert answer.json()["text"] == SAID
    told = site.task(answer.headers["X-Task-Id"])["metadata"]
    assert (told["task_params"]["model"], told["language"]) == (used, "auto")
    assert answer.headers["X-Transcription-Model"] == "tiny.en"  # as none of the others is there


def test_who_speaks(client: openai.OpenAI, site: Site, recording: Path) -> None:
    with recording.open("rb") as file:
        answer = client.audio.transcriptions.create(
            file=file,
            model="gpt-4o-transcribe-diarize",
            response_format="diarized_json",
            chunking_strategy="auto",
        )
    assert isinstance(answer, TranscriptionDiarized)
    TranscriptionDiarized.model_validate(answer.to_dict())
    assert (answer.task, answer.text) == ("transcribe", SAID)
    assert answer.duration == pytest.approx(SECONDS, abs=0.1)
    (segment,) = answer.segments
    assert (segment.id, segment.speaker, segment.text) == ("seg_001", "A", SAID)
    assert 0 <= segment.start < segment.end <= answer.duration
    refused = post(site, recording, "translations", response_format="diarized_json")
    assert refused.json()["error"]["param"] == "response_format"


def test_models(client: openai.OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {"whisper-1", "gpt-4o-transcribe", "small", "large-v3", "turbo"} <= listed.keys()
    for name in ("whisper-1", "nyrahealth/faster_CrisperWhisper"):
        assert client.models.retrieve(name) == listed[name]
    assert client.models.retrieve("openai/whisper-small").id == "openai/whisper-small"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-5")
    assert missing.value.code == "model_not_found"


def test_other_addresses_and_methods(site: Site, client: openai.OpenAI) -> None:
    wrong = site.http.get(f"{site.url}/v1/audio/transcriptions", timeout=30)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert wrong.json()["error"]["code"] == "method_not_supported"
    for method in ("GET", "POST", "DELETE"):
        unknown = site.http.request(method, f"{site.url}/v1/chat/completions", timeout=30)
        assert unknown.status_code == 404
        assert unknown.json()["error"]["message"] == f"Invalid URL ({method} /v1/chat/completions)"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="whisper-1", messages=[])


def test_keys(site: Site, recording: Path) -> None:
    """It must be one of this site's, and known."""
    with pytest.raises(openai.AuthenticationError) as refusal, recording.open("rb") as file:
        client_of(site, "wxs_unknown").audio.transcriptions.create(file=file, model="whisper-1")
    assert refusal.value.code == "invalid_api_key"
    assert "unknown" in refusal.value.message

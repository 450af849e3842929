"""A site as people start it first: the default engine, no network, and the built-in model."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.running import Site, text_of
from tests.site.people import signed_in
from tests.speech import built_in, recordings

from .conftest import run

HTML = {"Accept": "text/html"}
WORDS = recordings.TEXT
NO_NETWORK = r"\(no connection to 127\.0\.0\.1:9: [^()]+\)"
DRAFT = (
    rf'Draft only\. The "small" model couldn\'t be downloaded {NO_NETWORK}, '
    r"so the built-in model \(tiny\.en\) was used\."
)


@pytest.fixture(scope="module")
def bare_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    built_in.needed()
    folder = tmp_path_factory.mktemp("built-in")
    site = Site(folder / "data", ENGINE="faster-whisper")
    yield site.start()
    site.kill_everything()


def transcribed(site: Site, path: Path, **metadata: str) -> tuple[str, str, dict[str, Any]]:
    """The words, the engine as the API tells it, and the job as its page gets it."""
    identifier = run(site, path, **metadata)
    task = site.wait_for_task(identifier)
    assert task["status"] == "completed", task
    progress = site.http.get(f"{site.url}/tasks/{identifier}/progress", timeout=30)
    job = site.http.get(f"{site.url}/jobs/{identifier}.json", timeout=30).json()
    return text_of(task), progress.headers["X-Transcription-Engine"], job


@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_the_built_in_model_by_its_name(
    bare_site: Site, speech_files: Callable[[str], Path], suffix: str
) -> None:
    text, engine, job = transcribed(bare_site, speech_files(suffix), model="tiny.en")
    assert (text, engine) == (WORDS, "faster-whisper")
    assert (job["model"], job["engine_note"], job["used_fallback"]) == ("tiny.en", "", False)


@pytest.mark.parametrize(("language", "assumed"), [("en", ""), ("", r" English was assumed\.")])
def test_english_is_drafted_where_the_model_cannot_be_had(
    bare_site: Site, speech_files: Callable[[str], Path], language: str, assumed: str
) -> None:
    metadata = {"language": language} if language else {}
    text, engine, job = transcribed(bare_site, speech_files("wav"), **metadata)
    assert (text, engine) == (WORDS, "built-in; stand-in")
    assert re.fullmatch(DRAFT + assumed, job["engine_note"])
    assert job["language"] == "en" and job["used_fallback"] and job["can_rerun"]


@pytest.mark.parametrize("model", ["whisper-1", "Systran/faster-whisper-tiny.en"])
def test_openai_s_clients_are_told_of_it(
    bare_site: Site, speech_files: Callable[[str], Path], model: str
) -> None:
    client = openai.OpenAI(base_url=f"{bare_site.url}/v1", api_key=bare_site.key, max_retries=0)
    with speech_files("wav").open("rb") as file:
        answer = client.audio.transcriptions.with_raw_response.create(file=file, model=model)
    assert answer.headers["X-Transcription-Model"] == "tiny.en"
    assert answer.parse().text == WORDS


@pytest.mark.parametrize(
    ("language", "engine", "score"), [("en", "cross-attention", 0.9), ("lv", "even-spread", 0.0)]
)
def test_given_words_are_aligned(
    bare_site: Site,
    speech_files: Callable[[str], Path],
    language: str,
    engine: str,
    score: float,
) -> None:
    given = {"segments": [{"start": 0.2, "end": 2.7, "text": WORDS}], "language": language}
    recording = speech_files("wav").read_bytes()
    files = {"transcript": ("go.json", json.dumps(given).encode()), "file": ("go.wav", recording)}
    answer = bare_site.http.post(f"{bare_site.url}/service/align", files=files, timeout=60)
    identifier = answer.json()["identifier"]
    words = bare_site.wait_for_task(identifier)["result"]["word_segments"]
    assert [word["word"] for word in words] == WORDS.split()
    assert words[1]["score"] >= score and (score or not words[1]["score"])
    told = bare_site.http.get(f"{bare_site.url}/task/{identifier}", timeout=30).headers
    assert told["X-Transcription-Engine"] == f"{engine}; stand-in"


def test_other_languages_fail_as_before(
    bare_site: Site, speech_files: Callable[[str], Path]
) -> None:
    task = bare_site.wait_for_task(run(bare_site, speech_files("wav"), language="de"))
    assert task["status"] == "failed"
    assert '"small"' in task["error"] and '"de"' in task["error"]


def test_doctor_and_the_page_say_so_before(bare_site: Site) -> None:
    said = "Meanwhile the built-in model (tiny.en) is used: in English"
    told = bare_site.manage("doctor", check=False).stdout  # which looks for the model
    assert "ok  built-in model tiny.en: installed" in told and said in told
    page = signed_in(bare_site).get(f"{bare_site.url}/", headers=HTML, timeout=30).text
    assert "Results will be drafts" in page and "tiny.en · 78 MB · ready" in page
    assert said in page and "fetch_models" in page

"""The default engine on a site: a model that is there, and one that cannot be had."""

from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.running import Site, text_of
from tests.speech import recordings

from .conftest import run

SCRIPT = "seven green boats sail north after the storm ends."


def test_faster_whisper_with_a_model_that_is_there(
    scripted_site: Site, speech_files: Callable[[str], Path]
) -> None:
    site = scripted_site
    identifier = run(site, speech_files("mp3"), language="auto")
    task = site.wait_for_task(identifier)
    assert task["status"] == "completed"
    assert text_of(task) == SCRIPT
    response = site.http.get(f"{site.url}/task/{identifier}", timeout=30)
    assert response.headers["X-Transcription-Engine"] == "faster-whisper"
    job = site.http.get(f"{site.url}/jobs/{identifier}.json", timeout=30).json()
    assert job["language"] == "en" and job["engine_note"] == ""


@pytest.mark.parametrize("language", ["", "auto", "en"])
def test_stand_in_says_so_everywhere(
    scripted_site: Site, speech_files: Callable[[str], Path], language: str
) -> None:
    site = scripted_site
    metadata = {"language": language} if language else {}
    identifier = run(site, speech_files("wav"), model="base", **metadata)
    task = site.wait_for_task(identifier)
    assert task["status"] == "completed"
    assert text_of(task) == recordings.TEXT
    progress = site.http.get(f"{site.url}/tasks/{identifier}/progress", timeout=30)
    assert progress.headers["X-Transcription-Engine"] == "built-in; stand-in"
    note = progress.json()["engine_note"]
    assert "base" in note and "the built-in model (tiny.en) was used" in note
    html = {"Accept": "text/html"}
    page = site.http.get(f"{site.url}/jobs/{identifier}", headers=html, timeout=30).text
    assert "Run again" in page and "base" in page
    job = site.http.get(f"{site.url}/jobs/{identifier}.json", timeout=30).json()
    assert job["engine_note"] == note and job["can_rerun"]


def test_other_languages_have_no_stand_in(
    scripted_site: Site, speech_files: Callable[[str], Path]
) -> None:
    site = scripted_site
    identifier = run(site, speech_files("wav"), model="base", language="lv")
    task = site.wait_for_task(identifier)
    assert task["status"] == "failed"
    assert "base" in task["error"]
    # With the model that is there it works.
    model = site.environment["WHISPER_MODEL"]
    again = site.http.post(
        f"{site.url}/jobs/{identifier}/rerun", data={"model": model, "language": "lv"}, timeout=30
    )
    assert again.status_code == 200
    assert site.wait_for_task(identifier)["status"] == "completed"


def test_a_transcript_that_is_read_along(
    scripted_site: Site, speech_files: Callable[[str], Path]
) -> None:
    """OpenAI's client gets each segment of Whisper; the header names no folder of this machine."""
    site = scripted_site
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.key, max_retries=0)
    with speech_files("wav").open("rb") as file:
        events = client.audio.transcriptions.create(file=file, model="whisper-1", stream=True)
        name = Path(site.environment["WHISPER_MODEL"]).name
        assert events.response.headers["X-Transcription-Model"] == name
        *deltas, done = [event.to_dict() for event in events]
    assert "".join(str(event["delta"]) for event in deltas) == done["text"] == SCRIPT
    assert (done["model"], done["engine"]) == (name, "faster-whisper")
    with speech_files("wav").open("rb") as file:
        answer = client.audio.transcriptions.with_raw_response.create(
            file=file, model="Systran/faster-whisper-base"
        )
    assert answer.headers["X-Transcription-Model"] == "tiny.en"  # it stood in

"""Recordings with several audio tracks, by each door: which one is read, and who may say so."""

from pathlib import Path

import pytest
import requests

from tests.running import Site, text_of
from tests.speech.odd_recordings import Sound, write_film
from tests.speech.recordings import silence, speech

from .forms import accepted, file, form, post, text


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Silence, and the sentence."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return write_film(path, "matroska", [Sound(silence(3)), Sound(speech(), language="eng")])


def test_a_silent_main_track_is_read_and_the_other_one_named_and_chosen_after_all(
    site: Site, film: Path
) -> None:
    address = site.upload(film, language="en")
    identifier = site.http.head(address).headers["X-Task-Id"]
    task = site.wait_for_task(identifier)
    assert (task["status"], text_of(task)) == ("completed", "")
    told = site.http.get(f"{site.url}/tasks/{identifier}/progress").json()
    assert (
        "2 audio tracks; track 1 " in told["engine_note"] and "2 (eng, aac)" in told["engine_note"]
    )
    page = site.http.get(f"{site.url}/jobs/{identifier}").text
    assert "Audio track 1 is silent" in page and "with audio track 2" in page
    assert '<option value="2">Track 2</option>' in page
    told = site.http.post(f"{site.url}/jobs/{identifier}/rerun", data={"audio_track": "2"})
    assert told.status_code == 200, told.text
    assert "forward" in text_of(site.wait_for_task(identifier))
    assert site.task(identifier)["metadata"]["task_params"]["audio_track"] == 2
    assert '<option value="2" selected>' in site.http.get(f"{site.url}/jobs/{identifier}").text


def test_another_track_can_be_asked_for_by_each_door(site: Site, film: Path) -> None:
    body = form(file("file", "film.mkv", film.read_bytes()))
    posted = accepted(post(site, "/speech-to-text?language=en&audio_track=2", body))
    address = site.upload(film, language="en", audio_track="2")
    uploaded = site.http.head(address).headers["X-Task-Id"]
    for identifier in (posted, uploaded):
        task = site.wait_for_task(identifier)
        assert "forward" in text_of(task)
        told = site.http.get(f"{site.url}/tasks/{identifier}/progress").json()
        assert "track 2 (eng, aac) was used" in told["engine_note"]
    assert site.task(posted)["metadata"]["task_params"]["audio_track"] == 2


def test_clients_of_openai_ask_for_a_track_by_a_field_of_their_own(site: Site, film: Path) -> None:
    def asked(track: str) -> requests.Response:
        named = [text("model", "whisper-1"), text("language", "en"), text("audio_track", track)]
        recording = file("file", "film.mkv", film.read_bytes())
        return post(site, "/v1/audio/transcriptions", form(*named, recording))

    assert "forward" in asked("2").json()["text"]
    refusal = asked("3").json()["error"]["message"]
    assert "no audio track 3" in refusal
    for wrong in ("0", "first", "-1", "9" * 5000, "00999" + "9" * 5000):
        answer = asked(wrong)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "audio_track")


def test_a_track_that_is_not_there_is_refused_with_the_count(site: Site, film: Path) -> None:
    body = form(file("file", "film.mkv", film.read_bytes()))
    for target in ("/speech-to-text", "/service/transcribe", "/service/diarize"):
        answer = post(site, f"{target}?audio_track=3", body)
        assert answer.status_code == 400
        assert "no audio track 3: the file has 2" in answer.json()["error"]["reason"]
        assert post(site, f"{target}?audio_track=0", body).status_code == 422
    answer = site.post(100, {"filename": "film.mkv", "audio_track": "first"})
    assert (answer.status_code, "audio_track" in answer.text) == (422, True)
    address = site.upload(film, audio_track="3")
    task = site.wait_for_task(site.http.head(address).headers["X-Task-Id"])
    assert task["status"] == "failed" and "no audio track 3" in task["error"]

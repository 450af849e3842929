"""Kinds of files that few programs write, and files of which a part is missing, by the doors."""

from pathlib import Path

from tests.running import Site
from tests.speech import recordings
from tests.speech.odd_recordings import Sound, write_dictation, write_film

from .forms import accepted, file, form, post


def ended(site: Site, path: Path) -> dict[str, str]:
    """The job of an upload, once it has ended."""
    address = site.upload(path, language="en")
    found: dict[str, str] = site.wait_for_task(site.http.head(address).headers["X-Task-Id"])
    return found


def test_a_dictation_is_taken_by_each_door(site: Site, tmp_path: Path) -> None:
    path = write_dictation(tmp_path / "memo.dss", blocks=8)
    assert ended(site, path)["status"] == "completed"
    body = form(file("file", "memo.DSS", path.read_bytes()))
    assert (
        site.wait_for_task(accepted(post(site, "/speech-to-text", body)))["status"] == "completed"
    )
    assert site.post(100, {"filename": "list.m3u8"}).status_code == 415


def test_an_mp4_that_is_cut_off_is_refused_as_such(site: Site, tmp_path: Path) -> None:
    path = recordings.write(tmp_path / "a.mp4", recordings.speech())
    path.write_bytes(path.read_bytes()[:20_000])
    body = form(file("file", "a.mp4", path.read_bytes()))
    answer = post(site, "/speech-to-text", body)
    assert (answer.status_code, "cut off" in answer.json()["error"]["reason"]) == (400, True)


def test_television_whose_sound_begins_late_is_heard(site: Site, tmp_path: Path) -> None:
    sound = Sound(recordings.speech(), "mp2", late=9.0)
    path = write_film(tmp_path / "film.ts", "mpegts", [sound])
    segments = site.wait_for_task(
        site.http.head(site.upload(path, language="en")).headers["X-Task-Id"]
    )["result"]["segments"]
    assert 8.5 < segments[0]["start"] < 10 and "forward" in segments[0]["text"]

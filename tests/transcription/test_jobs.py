"""From a finished upload to a transcript, on a real site with the built-in engine."""

import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests

from tests.running import Site, text_of, wait_for
from tests.speech import recordings

from .conftest import engine_of, run


def job(site: Site, identifier: str) -> dict[str, object]:
    """The job as the page's script sees it."""
    response = site.http.get(f"{site.url}/jobs/{identifier}.json", timeout=30)
    assert response.status_code == 200
    body: dict[str, object] = response.json()
    return body


def post(site: Site, identifier: str, action: str, **fields: str) -> requests.Response:
    return site.http.post(f"{site.url}/jobs/{identifier}/{action}", data=fields, timeout=30)


def wait_until(site: Site, identifier: str, state: str, seconds: float = 60) -> dict[str, object]:
    def there() -> dict[str, object] | None:
        found = job(site, identifier)
        return found if found["state"] == state else None

    return wait_for(there, seconds, 0.1, f"job to be {state}")


def wait_until_transcribing(site: Site, identifier: str) -> None:
    wait_for(lambda: job(site, identifier)["stage"] == "transcribing", 60, 0.1)


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "webm", "mp4"])
def test_speech_in_any_container_becomes_text(
    site: Site, speech_files: Callable[[str], Path], suffix: str
) -> None:
    task = site.wait_for_task(run(site, speech_files(suffix)))
    assert task["status"] == "completed"
    assert text_of(task) == recordings.TEXT
    metadata = task["metadata"]
    assert metadata["file_name"] == f"goforward.{suffix}"
    assert 2.5 < metadata["audio_duration"] < 3.2
    assert metadata["task_type"] == "full_process"
    word = task["result"]["segments"][0]["words"][0]
    assert set(word) == {"word", "start", "end", "score"}


def test_identifier_is_bound_when_the_upload_finishes(
    site: Site, speech_files: Callable[[str], Path]
) -> None:
    """A second unfinished upload may carry the same taskId; later ones may not."""
    path, identifier = speech_files("wav"), str(uuid.uuid4())
    data = path.read_bytes()
    abandoned = site.create(len(data), {"filename": "a.wav", "taskId": identifier})
    assert site.http.get(f"{site.url}/task/{identifier}").status_code == 404
    address = site.upload(path, taskId=identifier)
    assert site.http.head(address).headers["X-Task-Id"] == identifier
    assert site.wait_for_task(identifier)["status"] == "completed"

    again = site.post(len(data), {"filename": "b.wav", "taskId": identifier})
    assert again.status_code == 409
    # The first one, if it is finished after all, gets an identifier of its own.
    last = site.patch(abandoned, 0, data)
    assert last.status_code == 204
    other = last.headers["X-Task-Id"]
    assert other != identifier
    assert site.wait_for_task(other)["status"] == "completed"
    assert site.task(identifier)["metadata"]["file_name"] == "goforward.wav"


def test_silence_is_an_empty_transcript(site: Site, tmp_path: Path) -> None:
    quiet = recordings.write(tmp_path / "quiet.wav", recordings.silence(4))
    task = site.wait_for_task(run(site, quiet))
    assert task["status"] == "completed"
    assert task["result"] == {"segments": [], "word_segments": []}


@pytest.mark.parametrize(("broken", "reason"), [("no sound", "no audio"), ("cut", "cut off")])
def test_a_file_without_sound_fails_with_a_reason(
    site: Site, tmp_path: Path, broken: str, reason: str, speech_files: Callable[[str], Path]
) -> None:
    path = tmp_path / "broken.mp4"
    if broken == "no sound":
        recordings.write_pictures_only(path)
    else:
        path.write_bytes(speech_files("mp4").read_bytes()[:2000])
    task = site.wait_for_task(run(site, path))
    assert task["status"] == "failed"
    assert task["result"] is None
    assert task["metadata"]["end_time"] is None and task["metadata"]["start_time"]
    assert reason in task["error"]


def test_working_job_is_cancelled_within_two_seconds_and_runs_again(
    site: Site, long_file: Path
) -> None:
    identifier = run(site, long_file)
    wait_until_transcribing(site, identifier)
    wait_for(lambda: float(str(job(site, identifier)["percent"] or 0)) > 1, 60)
    assert post(site, identifier, "cancel").status_code == 200
    wait_until(site, identifier, "cancelled", 3)
    assert site.task(identifier)["status"] == "failed"
    assert post(site, identifier, "rerun", language="en").status_code == 200
    wait_until_transcribing(site, identifier)
    assert post(site, identifier, "rerun").status_code == 409
    # Delete works in any state, and the bytes go with it.
    assert post(site, identifier, "delete").status_code == 200
    assert site.http.get(f"{site.url}/task/{identifier}").status_code == 404
    wait_for(lambda: not long_bytes_left(site, long_file.stat().st_size), 5)
    # The worker is free again at once.
    quick = run(site, recordings.GO_FORWARD)
    assert site.wait_for_task(quick, 15)["status"] == "completed"


def long_bytes_left(site: Site, size: int) -> bool:
    files = (site.data_dir / "uploads").glob("??/*")
    return any(file.stat().st_size == size for file in files)


def test_waiting_job_is_cancelled_at_once(site: Site, long_file: Path) -> None:
    first, second = run(site, long_file), run(site, recordings.GO_FORWARD)
    wait_until(site, first, "processing")
    assert job(site, second)["state"] == "queued"
    assert post(site, second, "cancel").status_code == 200
    assert job(site, second)["state"] == "cancelled"
    post(site, first, "delete")


def test_removing_the_recording_cancels_its_job(site: Site, long_file: Path) -> None:
    identifier = str(uuid.uuid4())
    address = site.upload(long_file, taskId=identifier)
    wait_until_transcribing(site, identifier)
    assert site.http.delete(address).status_code == 204
    wait_until(site, identifier, "cancelled", 3)
    refused = post(site, identifier, "rerun")
    assert refused.status_code == 409 and "removed" in refused.json()["detail"]


def test_transcript_outlives_its_recording(site: Site, speech_files: Callable[[str], Path]) -> None:
    identifier = str(uuid.uuid4())
    address = site.upload(speech_files("wav"), taskId=identifier)
    site.wait_for_task(identifier)
    assert site.http.get(address).headers["Content-Type"] == "audio/wav"
    assert site.http.delete(address).status_code == 204
    assert site.http.get(address).status_code == 404
    assert "forward" in text_of(site.task(identifier))


def test_exports(site: Site, speech_files: Callable[[str], Path]) -> None:
    identifier = run(site, speech_files("m4a"))
    site.wait_for_task(identifier)
    for kind, start in {
        "srt": "1\n00:00:00,",
        "vtt": "WEBVTT\n\n",
        "txt": recordings.TEXT,
        "tsv": "start\tend\ttext",
        "json": "{",
    }.items():
        response = site.http.get(f"{site.url}/jobs/{identifier}/export.{kind}", timeout=30)
        assert response.status_code == 200, kind
        assert response.text.startswith(start), response.text
        assert f'filename="goforward.{kind}"' in response.headers["Content-Disposition"]
    unknown = site.http.get(f"{site.url}/jobs/{identifier}/export.exe", timeout=30)
    assert unknown.status_code == 404


@pytest.mark.proof
def test_engine_killed_once_is_only_a_delay_killed_three_times_is_the_end(
    site: Site, long_file: Path, some_file: Path
) -> None:
    identifier = run(site, some_file)
    wait_until_transcribing(site, identifier)
    engine = engine_of(site)
    assert engine
    engine.kill()
    assert site.wait_for_task(identifier)["status"] == "completed"

    identifier = run(site, long_file)
    dead: set[int] = set()
    for _ in range(3):

        def another() -> bool:
            engine = engine_of(site)
            if engine is None or engine.pid in dead:
                return False
            if job(site, identifier)["stage"] != "transcribing":
                return False
            dead.add(engine.pid)
            engine.kill()
            return True

        wait_for(another, 60, 0.05)
    task = site.wait_for_task(identifier)
    assert task["status"] == "failed"
    assert "died 3 times" in task["error"] and "signal 9" in task["error"]
    post(site, identifier, "delete")


def test_a_long_job_delays_no_housekeeping(site: Site, long_file: Path) -> None:
    identifier = run(site, long_file)
    wait_until_transcribing(site, identifier)
    ended = site.shell(
        "import time\n"
        "from uploads.tasks import enqueue_cleanup\n"
        "from uploads.models import CleanupRun\n"
        "done = CleanupRun.objects.filter(trigger='staff', ended__isnull=False)\n"
        "before, patience = done.count(), time.monotonic() + 60\n"
        "enqueue_cleanup('staff')\n"
        "while done.count() == before and time.monotonic() < patience:\n"
        "    time.sleep(0.2)\n"
        "print(done.count() - before)"
    )
    assert ended.strip() == "1"
    assert job(site, identifier)["state"] == "processing"
    post(site, identifier, "delete")


def test_jobs_of_others_are_not_there(site: Site, speech_files: Callable[[str], Path]) -> None:
    site.shell(
        "from django.contrib.auth.models import User\n"
        "from whisperx_site.accounts.models import ApiKey\n"
        "for name in ('ann', 'bob'):\n"
        "    key = ApiKey(user=User.objects.create_user(name), name='test')\n"
        "    secret = key.renew_secret(); key.save()\n"
        f"    open('{site.data_dir}/' + name, 'w').write(secret)\n"
    )
    ann, bob = (
        {"Authorization": f"Bearer {(site.data_dir / name).read_text()}"} for name in ("ann", "bob")
    )
    identifier = str(uuid.uuid4())
    site.http.headers.update(ann)
    try:
        site.upload(speech_files("wav"), taskId=identifier)
        site.wait_for_task(identifier)
    finally:
        del site.http.headers["Authorization"]
    for path in (f"/task/{identifier}", f"/tasks/{identifier}/progress", f"/jobs/{identifier}"):
        assert site.http.get(site.url + path, headers=ann, timeout=30).status_code == 200
        assert site.http.get(site.url + path, headers=bob, timeout=30).status_code == 404
        assert site.http.get(site.url + path, timeout=30).status_code == 200  # staff
    for action in ("cancel", "rerun", "delete"):
        address = f"{site.url}/jobs/{identifier}/{action}"
        assert site.http.post(address, headers=bob, timeout=30).status_code == 404
    everything = site.http.get(f"{site.url}/task/all", headers=bob, timeout=30).json()
    assert everything == {"tasks": []}


def test_task_answers_have_the_contracts_keys(
    site: Site, speech_files: Callable[[str], Path]
) -> None:
    identifier = run(site, speech_files("wav"))
    task = site.wait_for_task(identifier)
    assert list(task) == ["status", "result", "metadata", "error"]
    common = {"task_type", "language", "file_name", "url", "duration", "audio_duration"}
    common |= {"start_time", "end_time"}
    assert set(task["metadata"]) == common | {"task_params", "callback_url"}
    rows = site.http.get(f"{site.url}/task/all", timeout=30).json()["tasks"]
    row = next(row for row in rows if row["identifier"] == identifier)
    assert set(row) == common | {"identifier", "status", "error"}
    progress = site.http.get(f"{site.url}/tasks/{identifier}/progress", timeout=30)
    assert progress.json()["progress_percentage"] == progress.json()["percentage"] == 100
    assert progress.json()["progress_stage"] == progress.json()["stage"] == "complete"
    assert progress.headers["X-Transcription-Engine"] == "faster-whisper"
    for unknown in ("nothing", str(uuid.uuid4()), "%ff"):
        missing = site.http.get(f"{site.url}/task/{unknown}", timeout=30)
        assert missing.status_code == 404
        assert missing.json()["error"]["code"] == "TASK_NOT_FOUND"


@pytest.mark.proof
@pytest.mark.skipif(sys.platform != "linux", reason="what a process has loaded is in /proc")
def test_web_processes_never_load_the_media_libraries(site: Site, some_file: Path) -> None:
    identifier = run(site, some_file)
    wait_until_transcribing(site, identifier)
    engine = engine_of(site)
    assert engine and {"/av/", "ctranslate2", "numpy"} <= heavy_libraries(engine)
    site.wait_for_task(identifier)
    web = site.running("gunicorn")
    assert len(web) > 1  # a master and its workers
    assert [heavy_libraries(process) for process in web] == [set() for _ in web]


def heavy_libraries(process: psutil.Process) -> set[str]:
    """Which libraries of media and engines it has loaded."""
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    known = ("ctranslate2", "onnxruntime", "/av/", "numpy")
    return {name for name in known if name in maps}

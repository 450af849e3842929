"""`/v1/audio/` where the transcript is long in coming, and who waits for it changes their mind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from tests.running import Site, wait_for
from tests.speech import recordings

ROWS = """
from uploads.models import Upload
print(list(Upload.objects.values_list("file_name", "state")))
"""
pytestmark = pytest.mark.proof


def post(site: Site, path: Path, **options: Any) -> requests.Response:
    with path.open("rb") as file:
        return site.http.post(
            f"{site.url}/v1/audio/transcriptions",
            data={"model": "whisper-1"},
            files={"file": file},
            timeout=options.get("timeout", 60),
        )


def tasks(site: Site) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = site.http.get(f"{site.url}/task/all", timeout=30).json()["tasks"]
    return listed


def at_work(site: Site) -> str | None:
    """The identifier of the task that is being worked on."""
    return next(
        (task["identifier"] for task in tasks(site) if task["status"] == "processing"), None
    )


def held(site: Site) -> str:
    """The recordings whose bytes are there."""
    return site.shell(
        "from uploads.models import Upload\n"
        "print([upload.file_name for upload in Upload.objects.filter(has_bytes=True)])"
    ).strip()


def test_out_of_time(new_site: Callable[..., Site], long_file: Path) -> None:
    """Said at once and once: OpenAI's client would send the recording three times."""
    site = new_site(OPENAI_TIMEOUT="3s").start()
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.key, max_retries=2)
    with pytest.raises(openai.InternalServerError) as refusal, long_file.open("rb") as file:
        client.audio.transcriptions.create(file=file, model="whisper-1")
    assert refusal.value.status_code == 504
    assert refusal.value.code == "timeout"
    assert "OPENAI_TIMEOUT" in refusal.value.message
    assert len(tasks(site)) == 1
    identifier = tasks(site)[0]["identifier"]
    assert "cancelled" in site.wait_for_task(identifier, 10)["error"]


def test_who_goes_and_who_deletes(new_site: Callable[..., Site], long_file: Path) -> None:
    site = new_site().start()
    with pytest.raises(requests.ReadTimeout):
        post(site, long_file, timeout=4)
    identifier = tasks(site)[0]["identifier"]
    assert "cancelled" in site.wait_for_task(identifier, 10)["error"]

    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(post(site, long_file)))
    waiting.start()
    working = wait_for(lambda: at_work(site), 30)
    assert site.http.delete(f"{site.url}/task/{working}/delete", timeout=30).ok
    waiting.join(15)
    assert [answer.status_code for answer in answers] == [409]
    assert answers[0].json()["error"]["code"] == "cancelled"
    assert answers[0].headers["x-should-retry"] == "false"


def test_nothing_is_kept(new_site: Callable[..., Site], long_file: Path, tmp_path: Path) -> None:
    """OPENAI_KEEP=0: neither of those that are answered, nor of those that nobody waits for."""
    site = new_site(OPENAI_KEEP="0").start()
    short = recordings.write(tmp_path / "go.wav", recordings.speech())
    answer = post(site, short)
    assert answer.json()["text"] == recordings.TEXT
    assert tasks(site) == []
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.key, max_retries=0)
    with short.open("rb") as file:
        events = client.audio.transcriptions.create(file=file, model="whisper-1", stream=True)
    assert [event.type for event in events][-1] == "transcript.text.done"
    assert tasks(site) == []
    with pytest.raises(requests.ReadTimeout):
        post(site, long_file, timeout=4)
    wait_for(lambda: not tasks(site), 10)
    assert held(site) == "[]"


def test_a_form_that_is_cut_off(new_site: Callable[..., Site], tmp_path: Path) -> None:
    """No job comes of it, and its bytes go."""
    site = new_site().start()
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer %s\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
            % site.key.encode()
        )
    wait_for(lambda: "'a.wav', 'refused'" in site.shell(ROWS), 10)
    assert held(site) == "[]"
    assert tasks(site) == []

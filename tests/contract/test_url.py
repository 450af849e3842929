"""POST /speech-to-text-url (contract, sections 1, 4 and 6), over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.running import Site, wait_for
from tests.speech import recordings

from .servers import Server, redirects, serves

Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = recordings.write(tmp_path_factory.mktemp("url") / "speech.wav", recordings.speech())
    content: bytes = Path(path).read_bytes()
    return content


def post(site: Site, url: str, **query: str) -> requests.Response:
    return site.http.post(
        f"{site.url}/speech-to-text-url", data={"url": url}, params=query, timeout=60
    )


def error_of(response: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal by the rules of the service (S3)."""
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["code"] == code and error["message"] and error["correlation_id"]
    return error


def test_a_recording_by_url_becomes_a_task(open_site: Site, serve: Serve, sound: bytes) -> None:
    server = serve(serves(sound, Content_Type="audio/wav"))
    url = f"{server.url}/a/my%20speech.wav?token=1"
    response = post(open_site, url)
    assert response.status_code == 200 and response.json()["message"] == "Task queued"
    task = open_site.task(response.json()["identifier"])
    assert task["metadata"]["url"] == url
    assert task["metadata"]["file_name"] == "my_20speech.wav"
    assert task["metadata"]["task_type"] == "full_process"
    assert task["metadata"]["audio_duration"] > 1
    assert [call.method for call in server.calls] == ["GET"]


def test_the_server_names_the_recording(open_site: Site, serve: Serve, sound: bytes) -> None:
    disposition = 'attachment; filename="said by server.wav"'
    server = serve(serves(sound, Content_Disposition=disposition))
    away = serve(redirects(lambda *_: f"{server.url}/x"))
    response = post(open_site, f"{away.url}/download?id=3")
    assert response.status_code == 200
    task = open_site.task(response.json()["identifier"])
    assert task["metadata"]["file_name"] == "said_by_server.wav"


def test_others_are_served_while_a_recording_is_fetched(open_site: Site, serve: Serve) -> None:
    """More slow hosts than the web server has processes, and none of them keeps it."""
    go_on = threading.Event()

    def slow(server: Server, request: BaseHTTPRequestHandler) -> None:
        assert go_on.wait(60)
        request.send_error(503)

    host = serve(slow)
    with ThreadPoolExecutor(6) as pool:
        posts = [pool.submit(post_alone, open_site, f"{host.url}/{i}.wav") for i in range(6)]
        try:
            wait_for(lambda: len(host.calls) == 6, 30, what="six downloads at once")
            for _ in range(10):
                assert (
                    open_site.http.get(f"{open_site.url}/health/live", timeout=10).status_code
                    == 200
                )
        finally:
            go_on.set()
        for answer in posts:
            error_of(answer.result(), 503, "FILE_DOWNLOAD_ERROR")


def post_alone(site: Site, url: str) -> requests.Response:
    """Like `post`, over a connection of its own."""
    return site.http.post(f"{site.url}/speech-to-text-url", data={"url": url}, timeout=60)


def test_a_name_without_extension(open_site: Site, serve: Serve, sound: bytes) -> None:
    error = error_of(
        post(open_site, f"{serve(serves(sound)).url}/speech"), 422, "UNSUPPORTED_FILE_EXTENSION"
    )
    assert (error["field"], error["filename"], error["extension"]) == (None, "speech", "(none)")
    assert error["allowed_extensions"] == sorted(error["allowed_extensions"])
    assert {".mp3", ".wav", ".mp4"} <= set(error["allowed_extensions"])


def test_downloads_that_fail(open_site: Site, serve: Serve) -> None:
    for url in (
        f"{serve(404).url}/x.wav",
        f"{serve(404).url}/x",  # the download is looked at before the name
        f"{serve(serves(b'half', Content_Length='8')).url}/x.wav",
        "http://127.0.0.1:9/x.wav",
        "http://nobody.invalid/x.wav",
        "ftp://127.0.0.1/x.wav",
        "not a url",
    ):
        error = error_of(post(open_site, url), 503, "FILE_DOWNLOAD_ERROR")
        assert set(error) == {"message", "code", "correlation_id"} and url not in error["message"]


def test_what_was_fetched_is_no_recording(open_site: Site, serve: Serve) -> None:
    server = serve(serves(b"these are words, and no sound" * 50))
    error = error_of(post(open_site, f"{server.url}/x.wav"), 400, "AUDIO_PROCESSING_ERROR")
    assert "reason" in error and "original_error" in error


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/x.wav", "http://localhost/x.wav", "http://2130706433/x.wav"),
        *("http://0x7f.0.0.1/x.wav", "http://0177.0.0.1/x.wav", "http://127.1/x.wav"),
        *("http://[::1]/x.wav", "http://[::ffff:7f00:1]/x.wav", "http://[64:ff9b::a00:1]/x.wav"),
        *("http://10.1.2.3/x.wav", "http://169.254.169.254/latest/meta-data/x.wav"),
        *("http://user:pass@192.168.0.1:8080/x.wav", "http://nobody.invalid/x.wav"),
        *("ftp://example.org/x.wav", "file:///etc/passwd", "not a url", "http:///x.wav"),
        *("http://[::1/x.wav", "http://a..b/x.wav", "http://127.0.0.1:99999/x.wav"),
    ],
)
def test_what_is_blocked(site: Site, url: str) -> None:
    error = error_of(post(site, url), 422, "SSRF_BLOCKED")
    assert set(error) == {"message", "code", "correlation_id", "field", "url", "reason"}
    assert error["field"] is None and error["url"] == url and error["reason"]


def test_unguarded_a_url_that_is_none_is_blocked_all_the_same(open_site: Site) -> None:
    for url in ("http://[::1/x.wav", "http://a..b/x.wav", f"http://{'a' * 64}.test/x.wav"):
        error_of(post(open_site, url), 422, "SSRF_BLOCKED")
    # What clients send is no fault of ours, so the log has no traceback of it.
    assert "UnicodeError" not in open_site.log.read_text()

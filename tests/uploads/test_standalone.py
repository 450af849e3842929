"""A stranger's site: Django alone, the built wheel, the example's settings, and any web server."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from tusclient.client import TusClient

from tests.newer_django import newer_python
from tests.running import ROOT, free_port, wait_for

pytestmark = pytest.mark.proof

SIZE = 20 * 1024 * 1024
FIRST = 5 * 1024 * 1024  # what the client sends in peace
CUT = 8 * 1024 * 1024  # what comes of the request that is cut
LOST_AT_MOST = 1024 * 1024  # of it, in the buffers of the server that is least kind
TUS = {"Tus-Resumable": "1.0.0"}
PHOTO = {"filename": "north.raw", "filetype": "image/x-raw"}
APPLICATION = "django.core.wsgi:get_wsgi_application"
GUNICORN = ("-m", "gunicorn", f"{APPLICATION}()", "-w", "2", "-t", "120", "-b", "{address}")
SERVERS = {
    "runserver": ("manage.py", "runserver", "--noreload", "{address}"),
    "sync": (*GUNICORN, "-k", "sync"),
    "gthread": (*GUNICORN, "-k", "gthread", "--threads", "4"),
    "gevent": (*GUNICORN, "-k", "gevent"),
    "granian": (
        *("-m", "granian", "--interface", "wsgi", "--factory", APPLICATION),
        *("--host", "127.0.0.1", "--port", "{port}", "--blocking-threads", "4"),
    ),
}


@dataclass(frozen=True)
class Stranger:
    """A copy of the example, and the Python of an environment that knows nothing of this project.

    Attributes:
        python: Of the environment.
        folder: Of the site.
        brought: What `pip install` of the wheel has installed, by name, with Django's version.
    """

    python: str
    folder: Path
    brought: dict[str, str]

    def run(self, *arguments: str) -> str:
        """The output of a command; a failure fails the test."""
        command = [self.python, *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def clean_environment() -> dict[str, str]:
    """Ours without what would lead to this project."""
    ours = ("PYTHON", "VIRTUAL_ENV", "DJANGO_", "DATA_DIR", "UPLOADS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "DJANGO_SETTINGS_MODULE": "settings"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what a clone has, in a folder of its own: a build leaves files beside the code."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "uploads", "docs/uploads.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in (*listed, "pyproject.toml", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "dist", "."]
    subprocess.run(build, cwd=source, check=True, timeout=600)
    (made,) = (source / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module", params=["Django~=5.2.0", "Django>=6"])
def stranger(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Stranger:
    """The site on one version of Django, migrated."""
    folder = tmp_path_factory.mktemp("stranger")
    python = sys.executable if "5.2" in request.param else newer_python()
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True, timeout=300)
    names = [str(path.relative_to(ROOT)) for path in (ROOT / "example").glob("*.py")]
    (folder / "site").mkdir()
    for name in names:
        shutil.copy(ROOT / name, folder / "site")
    own = str(folder / "venv/bin/python")
    site = Stranger(own, folder / "site", {})
    site.run("-m", "pip", "install", "-q", request.param)
    site.run("-m", "pip", "install", "-q", str(wheel))
    listed = json.loads(site.run("-m", "pip", "list", "--format=json").partition("]")[0] + "]")
    brought = {package["name"].lower(): package["version"] for package in listed}
    site.run("-m", "pip", "install", "-q", "gunicorn[gevent]", "granian")
    site.run("manage.py", "migrate", "-v0")
    return Stranger(own, folder / "site", brought)


@contextmanager
def serving(site: Stranger, name: str) -> Iterator[str]:
    """The address of the site's uploads, served by one of SERVERS."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [part.format(address=address, port=port) for part in SERVERS[name]]
    url = f"http://{address}/files/"
    with (site.folder.parent / f"{name}.log").open("wb") as log:
        server = subprocess.Popen(
            [site.python, *command],
            cwd=site.folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: answers(url), 120, what=f"an answer, see {log.name}")
        yield url
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def answers(url: str) -> bool:
    try:
        return requests.options(url, timeout=10).status_code == 204
    except requests.RequestException:
        return False


def cut_off(address: str, offset: int, rest: bytes, sent: int, kept: Path) -> None:
    """Announce the rest, send a part of it, and go; then wait until the server has written it."""
    parts = urlsplit(address)
    head = (
        f"PATCH {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nTus-Resumable: 1.0.0\r\n"
        f"Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {len(rest)}\r\n\r\n"
    )
    assert parts.hostname and parts.port
    with socket.create_connection((parts.hostname, parts.port), 60) as connection:
        connection.sendall(head.encode() + rest[:sent])
        connection.shutdown(socket.SHUT_WR)
        wait_for(lambda: kept.stat().st_size >= offset + sent - LOST_AT_MOST, 60)
        time.sleep(0.5)


def test_pip_brings_django_and_nothing_else(stranger: Stranger) -> None:
    django = stranger.brought.pop("django")
    assert int(django.partition(".")[0]) in (5, 6)
    tools = {"pip", "setuptools", "wheel"}
    assert set(stranger.brought) - tools == {"whisperx-uploads", "asgiref", "sqlparse"}
    where = stranger.run("-c", "import uploads; print(uploads.__file__)")
    assert str(stranger.folder.parent / "venv") in where
    held = {"templates/uploads/admin_list.html", "management/commands/cleanup_uploads.py"}
    assert all(Path(where.strip()).with_name("x").parent.joinpath(name).is_file() for name in held)


def test_the_checks_have_nothing_to_say(stranger: Stranger) -> None:
    assert "no issues" in stranger.run("manage.py", "check", "--fail-level", "WARNING")
    assert "No changes" in stranger.run("manage.py", "makemigrations", "--check", "--dry-run")


def test_cron_cleans_up(stranger: Stranger) -> None:
    assert "0 uploads were expired" in stranger.run("manage.py", "cleanup_uploads")


@pytest.mark.parametrize("server", list(SERVERS))
def test_a_cut_upload_arrives_byte_by_byte(stranger: Stranger, server: str, tmp_path: Path) -> None:
    """tus-py-client begins and ends it; in between a request brings a part of what it announced."""
    data = random.Random(7).randbytes(SIZE)
    photo = tmp_path / "north.raw"
    photo.write_bytes(data)
    with serving(stranger, server) as url:
        client = TusClient(url)
        first = client.uploader(str(photo), chunk_size=FIRST, metadata=PHOTO)
        first.upload_chunk()  # type: ignore[no-untyped-call]
        address = str(first.url)
        name = address.rpartition("/")[2]
        cut_off(address, FIRST, data[FIRST:], CUT, stranger.folder / "files" / name[:2] / name)
        held = int(requests.head(address, headers=TUS, timeout=60).headers["Upload-Offset"])
        assert FIRST + CUT - LOST_AT_MOST <= held <= FIRST + CUT
        client.uploader(str(photo), chunk_size=FIRST, url=address).upload()
        assert requests.get(address, timeout=60).content == data
        assert (stranger.folder / f"{name}.txt").read_text() == "north.raw"
        refused = requests.post(url, headers={**TUS, "Upload-Length": "5"}, timeout=60)
        assert refused.status_code == 400 and "Only photos" in refused.text

"""Readers of bodies test themselves at the start: a gunicorn that is another inside is noticed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.running import ROOT, Site, wait_for

pytestmark = pytest.mark.proof

# What another release of gunicorn may be like inside, and still serve.
WITHOUT_BUFFER = """
from gunicorn.http import unreader
del unreader.Unreader.take_buffered
"""
TRAILERS_ELSEWHERE = """
from gunicorn.http import body
parse = body.ChunkedReader.parse_trailers
def parse_trailers(self, unreader, data):
    rest = parse(self, unreader, data)
    self.req.trailers, self.req.trailer_fields = [], self.req.trailers
    return rest
body.ChunkedReader.parse_trailers = parse_trailers
"""
BUFFER_KEPT = """
from gunicorn.http import unreader
unreader.Unreader.take_buffered = lambda self: self.buf.getvalue()
"""
CLASSES_RENAMED = """
from gunicorn.http import body
body.LengthReader.__name__, body.ChunkedReader.__name__ = "Measured", "Chunks"
"""
LENGTH_COUNTS_UP = """
from gunicorn.http import body
class LengthReader(body.LengthReader):
    length = property(lambda self: self.rest, lambda self, rest: setattr(self, "rest", rest + 1))
LengthReader.__module__ = "gunicorn.http.body"
body.LengthReader = LengthReader
from gunicorn.http import message
message.LengthReader = LengthReader
"""
SERVE = """
import sys
from gevent import monkey
monkey.patch_all()
{change}
from gunicorn.app.wsgiapp import run
sys.argv = ["gunicorn", "-c", "python:whisperx_site.serving.gunicorn_settings"]
run()
"""
TEST = """
from gevent import monkey
monkey.patch_all()
{change}
import django
django.setup()
from gunicorn.config import Config
from uploads.bodies import registry, self_test
self_test.test_gunicorn(Config())
print(*sorted(reader.name for reader in registry.disabled_readers), sep=", ")
"""
CONTENT = bytes(range(256)) * 8192
WORDS = "DOES NOT FIT THE INSTALLED GUNICORN"


@pytest.fixture
def changed_site(tmp_path: Path) -> Iterator[Site]:
    """A web server whose gunicorn is not the one that the readers know."""
    site = Site(tmp_path / "data", UPLOADS_ACCEPT="any", SITE_PROCESS="web", WEB_WORKERS="1")
    site.copy_prepared()
    program = SERVE.format(change=WITHOUT_BUFFER + TRAILERS_ELSEWHERE)
    with site.log.open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**site.full_environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: answers(site), 60, what=f"an answer, see {site.log}")
        yield site
    finally:
        server.terminate()
        server.wait(15)


def answers(site: Site) -> bool:
    try:
        return site.http.options(f"{site.url}/uploads/files/", timeout=5).status_code == 204
    except requests.RequestException:
        return False


def test_a_server_that_changed_is_read_plainly_and_the_log_says_so(changed_site: Site) -> None:
    """No byte is lost or made up, and OPTIONS promises what the plain reader can do."""
    log = changed_site.log.read_text()
    for reader in ("GUNICORN'S LENGTH", "GUNICORN'S CHUNKED"):
        assert f"{reader} BODIES {WORDS}" in log
    offered = changed_site.http.options(f"{changed_site.url}/uploads/files/", timeout=5)
    extensions = offered.headers["Tus-Extension"].split(",")
    assert "checksum" in extensions
    assert "checksum-trailer" not in extensions
    for data in (CONTENT, iter([CONTENT[:1_000_000], CONTENT[1_000_000:]])):
        address = changed_site.create(len(CONTENT))
        assert changed_site.patch(address, 0, data).status_code == 204
        assert changed_site.http.get(address, timeout=30).content == CONTENT


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("", ""),
        (BUFFER_KEPT, "gunicorn's length"),
        (CLASSES_RENAMED, "gunicorn's chunked, gunicorn's length"),
        (LENGTH_COUNTS_UP, "gunicorn's length"),
    ],
    ids=["as it is", "buffer kept", "classes renamed", "length counts up"],
)
def test_what_the_test_of_the_readers_finds(tmp_path: Path, change: str, broken: str) -> None:
    """Also where a change inside the server would go unnoticed but for the bytes."""
    site = Site(tmp_path / "data", DJANGO_SETTINGS_MODULE="whisperx_site.settings")
    ran = subprocess.run(
        [sys.executable, "-c", TEST.format(change=change)],
        cwd=ROOT,
        env={**site.full_environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == broken
    assert (WORDS in ran.stderr) == bool(broken)

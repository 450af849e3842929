"""The whole site on the newest Django, which has its own Content-Security-Policy."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tusclient.client import TusClient

from tests.newer_django import environment_of_site
from tests.running import Site, text_of
from tests.site.people import signed_in
from tests.speech import recordings
from tests.uploads.outages import POWERLESS

pytestmark = pytest.mark.proof

PAGES = ("/", "/login", "/admin/login/", "/docs", "/redoc", "/openapi.json", "/health", "/nowhere")
HTML = {"Accept": "text/html"}
VERSION = """
import django, importlib.util
print(django.VERSION[0], importlib.util.find_spec("csp"))
"""


@pytest.fixture(scope="module")
def newer_environment(tmp_path_factory: pytest.TempPathFactory) -> str:
    return environment_of_site(tmp_path_factory.mktemp("newer"))


@pytest.fixture(scope="module")
def newer_site(newer_environment: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything of its first start is done by the newest Django."""
    made = Site(tmp_path_factory.mktemp("newer site") / "data", fresh=True)
    made.python = newer_environment
    yield made.start()
    made.kill_everything()


def policy(site: Site, path: str) -> dict[str, list[str]]:
    """The sources of each directive."""
    answer = site.http.get(site.url + path, headers=HTML, timeout=30)
    rules = answer.headers["Content-Security-Policy"].split("; ")
    named = {rule.partition(" ")[0]: sorted(rule.split(" ")[1:]) for rule in rules}
    assert len(named) == len(rules)
    return named


def admin_pages(session: requests.Session, site: Site) -> list[str]:
    """Lists and forms that the admin's first page leads to."""
    index = session.get(f"{site.url}/admin/", headers=HTML, timeout=30).text
    found = sorted(set(re.findall(r'href="(/admin/\w+/\w+/(?:add/)?)"', index)))
    assert "/admin/uploads/upload/" in found
    return found


def test_what_is_locked_takes_it_without_its_forerunner(newer_site: Site) -> None:
    pip = [newer_site.python, "-m", "pip", "check"]
    checked = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stdout
    assert newer_site.shell(VERSION).split() == ["6", "None"]
    assert "no issues" in newer_site.manage("check", "--fail-level", "WARNING").stdout
    assert "No changes" in newer_site.manage("makemigrations", "--check", "--dry-run").stdout


def test_the_policy_is_the_same(newer_site: Site, site: Site) -> None:
    assert site.shell(VERSION).split()[0] == "5"
    policies = {path: policy(site, path) for path in PAGES}
    assert {path: policy(newer_site, path) for path in PAGES} == policies
    assert "style-src" in policies["/docs"] and "style-src" not in policies["/"]


def test_a_recording_becomes_a_transcript(newer_site: Site, tmp_path: Path) -> None:
    identifier = str(uuid.uuid4())
    speech = recordings.write(tmp_path / "go.wav", recordings.speech())
    client = TusClient(f"{newer_site.url}/uploads/files/", headers=newer_site.authorization)
    metadata = {"filename": "go.wav", "taskId": identifier}
    client.uploader(str(speech), chunk_size=50_000, metadata=metadata).upload()
    assert "forward" in text_of(newer_site.wait_for_task(identifier))
    browser = signed_in(newer_site)
    for path in ("/", f"/jobs/{identifier}", *admin_pages(browser, newer_site)):
        assert browser.get(newer_site.url + path, headers=HTML, timeout=30).status_code == 200, path


def test_its_checks_leave_the_database_to_the_start(newer_environment: str, tmp_path: Path) -> None:
    """A full or locked folder is said to be one; the database, which can't be opened, is not."""
    shut = Site(tmp_path / "data", SECRET_KEY="x" * 50)
    shut.python = newer_environment
    shut.prefix = POWERLESS if os.geteuid() == 0 else []
    shut.data_dir.mkdir(mode=0o500)
    started = shut.manage("serve", check=False)
    assert started.returncode == 1 and "isn't writable" in started.stderr

"""Health (contract, section 8), over HTTP. That the database is away, tests of deaths show."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing

import pytest
import requests

from tests.running import Site
from tests.uploads.outages import LimitedDisk


def body(site: Site, path: str) -> dict[str, object]:
    answer = requests.get(site.url + path, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, object] = answer.json()
    return found


def test_health(site: Site) -> None:
    assert body(site, "/health") == {"status": "ok", "message": "Service is running"}
    assert body(site, "/health?x=1") == body(site, "/health")


def test_live(site: Site) -> None:
    before = time.time()
    told = body(site, "/health/live")
    moment = told.pop("timestamp")
    assert told == {"status": "ok", "message": "Application is live"}
    assert isinstance(moment, float) and before - 1 < moment < time.time() + 1


def test_ready(site: Site) -> None:
    assert body(site, "/health/ready") == {
        "status": "ok",
        "database": "connected",
        "gpu": {"max_concurrent_tasks": 1},
        "message": "Application is ready to accept requests",
    }


@pytest.mark.proof
def test_ready_tells_the_setting_and_what_is_amiss(new_site: Callable[..., Site]) -> None:
    site = new_site(MAX_CONCURRENT_GPU_TASKS="3", WEB_WORKERS="1").start()
    assert body(site, "/health/ready")["gpu"] == {"max_concurrent_tasks": 3}
    rename(site, "transcription_job", "transcription_gone")
    answer = requests.get(site.url + "/health/ready", timeout=30)
    rename(site, "transcription_gone", "transcription_job")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "error",
        "database": "disconnected",
        "gpu": {"max_concurrent_tasks": 3},
        "message": "Application is not ready due to an internal error.",
        "problem": "The database lacks tables of this site: "
        "run `manage.py serve` or `manage.py migrate`.",
    }
    assert answer.headers["X-Request-ID"]


def test_ready_says_what_is_wrong_with_the_store(new_site: Callable[..., Site]) -> None:
    """Absent, foreign or without writes: 503, to strangers, without any path. Full: not here."""
    site = new_site(WEB_WORKERS="1")
    disk = LimitedDisk(site)
    disk.give_up_power()
    site.start()
    store = site.data_dir / "uploads"
    site.create(10, {"filename": "a.mp3"})  # else whatever store it is may be joined
    assert ready(site) == (200, "connected", None)
    with disk.read_only():
        assert ready(site) == (503, "connected", "The upload store isn't writable.")
    with disk.away():
        status, database, problem = ready(site)
    assert (status, database) == (503, "connected")
    assert problem and problem.startswith("The upload store is unavailable")
    identity = (store / "store_id").read_text()
    (store / "store_id").write_text(f"{uuid.uuid4().hex}\n")
    status, database, problem = ready(site)
    assert (status, database) == (503, "connected")
    assert problem and "belongs to another database" in problem
    (store / "store_id").write_text(identity)
    assert ready(site) == (200, "connected", None)


def ready(site: Site) -> tuple[int, str, str | None]:
    """Status, what is said of the database, and the problem: told to those without a key."""
    answer = requests.get(f"{site.url}/health/ready", timeout=30)
    told = answer.json()
    message = {
        200: "Application is ready to accept requests",
        503: "Application is not ready due to an internal error.",
    }[answer.status_code]
    assert told["message"] == message
    assert told["status"] == ("ok" if answer.status_code == 200 else "error")
    assert str(site.data_dir) not in answer.text
    return answer.status_code, told["database"], told.get("problem")


def rename(site: Site, table: str, name: str) -> None:
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3", timeout=30)) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {name}")

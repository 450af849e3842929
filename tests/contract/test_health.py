"""Health (contract, section 8), over HTTP. That the database is away, tests of deaths show."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest
import requests

from tests.running import Site


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
    }
    assert answer.headers["X-Request-ID"]


def rename(site: Site, table: str, name: str) -> None:
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3", timeout=30)) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {name}")

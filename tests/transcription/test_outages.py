"""Rough times on a real site: databases away or locked, processes killed, downloads that hang."""

import contextlib
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from tests.running import Site, text_of, wait_for
from tests.speech import recordings

from .conftest import engine_of, run

pytestmark = pytest.mark.long


def progress(site: Site, identifier: str) -> dict[str, Any]:
    body: dict[str, Any] = site.http.get(f"{site.url}/tasks/{identifier}/progress").json()
    return body


def wait_until_transcribing(site: Site, identifier: str) -> None:
    wait_for(lambda: progress(site, identifier)["stage"] == "transcribing", 60, 0.1)


def history(site: Site, identifier: str) -> tuple[int, int, int]:
    """Deaths of the engine, starts and ends of a job."""
    said = site.shell(
        "from transcription.models import Job\n"
        f"job = Job.objects.get(pk='{identifier}')\n"
        "print(job.engine_deaths, job.events.filter(what__startswith='Started').count(),"
        " job.events.filter(what__startswith='Ended').count())"
    )
    deaths, starts, ends = map(int, said.split())
    return deaths, starts, ends


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for connection in held:
            connection.close()


@pytest.mark.proof
def test_cancel_holds_while_a_model_is_awaited_and_the_stand_in_comes_soon(
    new_site: Callable[..., Site],
) -> None:
    with silent_server() as address:
        site = new_site(ENGINE="faster-whisper", WHISPER_MODEL="base", HF_ENDPOINT=address).start()
        cancelled, stands_in = (run(site, recordings.GO_FORWARD) for _ in range(2))
        wait_for(lambda: progress(site, cancelled)["status"] == "processing", 30)
        time.sleep(2)
        assert progress(site, cancelled)["status"] == "processing"
        site.http.post(f"{site.url}/jobs/{cancelled}/cancel", timeout=10)
        wait_for(lambda: progress(site, cancelled)["status"] == "failed", 2)
        task = site.wait_for_task(stands_in, 40)
        assert task["status"] == "completed"
        assert "10 seconds" in progress(site, stands_in)["engine_note"]


@pytest.mark.proof
def test_connections_of_the_database_are_cut_again_and_again(
    new_site: Callable[..., Site], postgres_url: str, tmp_path: Path
) -> None:
    site = new_site(DATABASE_URL=postgres_url).start()
    path = recordings.write(tmp_path / "some.wav", recordings.long_speech(60))
    identifiers = [run(site, path), run(site, recordings.GO_FORWARD)]
    wait_until_transcribing(site, identifiers[0])
    server = postgres_url.replace("postgres://", "postgresql://")
    with psycopg.connect(server.rpartition("/")[0] + "/postgres", autocommit=True) as connection:

        def cut() -> bool:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [server.rpartition("/")[2]],
            )
            time.sleep(0.5)
            try:
                return progress(site, identifiers[0])["status"] in ("completed", "failed")
            except (requests.RequestException, KeyError):
                return False

        wait_for(cut, 90, 0.2)
        idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert connection.execute(idle).fetchone() == (0,)
    for identifier in identifiers:
        assert site.wait_for_task(identifier, 120)["status"] == "completed"
        assert history(site, identifier) == (0, 1, 1)
    site.stop()


@pytest.mark.proof
def test_a_database_locked_for_half_a_minute(new_site: Callable[..., Site], tmp_path: Path) -> None:
    site = new_site().start()
    path = recordings.write(tmp_path / "some.wav", recordings.long_speech(30))
    identifiers = [run(site, path), run(site, recordings.GO_FORWARD)]
    wait_until_transcribing(site, identifiers[0])
    locker = sqlite3.connect(site.data_dir / "db.sqlite3", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    time.sleep(30)
    assert site.http.get(f"{site.url}/health/ready", timeout=5).status_code == 200
    locker.execute("ROLLBACK")
    locker.close()
    for identifier in identifiers:
        assert site.wait_for_task(identifier, 120)["status"] == "completed"
        assert history(site, identifier) == (0, 1, 1)


@pytest.mark.proof
def test_an_idle_worker_killed_with_the_queue_in_its_hand(new_site: Callable[..., Site]) -> None:
    """Its successor waits for ever on the lock that died; the site notices, here by looking each
    other second rather than each half minute."""
    site = new_site(WORKER_STALL_TIMEOUT="20").start()
    first = run(site, recordings.GO_FORWARD)
    assert site.wait_for_task(first)["status"] == "completed"
    worker = site.shell(
        f"from transcription.models import Job\nprint(Job.objects.get(pk='{first}').worker_pid)"
    )
    os.kill(int(worker), 9)
    identifiers = [run(site, recordings.GO_FORWARD) for _ in range(2)]
    for identifier in identifiers:
        assert site.wait_for_task(identifier, 240)["status"] == "completed"
        assert history(site, identifier) == (0, 1, 1)


@pytest.mark.proof
def test_two_workers_and_the_engines_of_both_killed_with_them(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    """Engines die a moment before their workers, five times: none of it counts."""
    site = new_site(HEAVY_WORKERS="2", LIGHT_WORKERS="2").start()
    path = recordings.write(tmp_path / "some.wav", recordings.long_speech(40))
    identifiers = [run(site, path) for _ in range(3)]
    for _ in range(5):
        wait_for(lambda: engine_of(site), 90)
        time.sleep(1)
        engines = site.running("transcription.engines.runtime.worker")
        assert engines
        for member in [*engines, *site.processes()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        site.kill_everything()
        site.start()
    for identifier in identifiers:
        task = site.wait_for_task(identifier, 240)
        assert task["status"] == "completed" and "forward" in text_of(task)
        deaths, _, ends = history(site, identifier)
        assert (deaths, ends) == (0, 1)
    site.stop()

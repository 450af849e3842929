"""Workers that run and do nothing are noticed, and replaced."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import Site
from tests.site.test_deaths import does_heavy_work, does_light_work, kill, of_cluster
from tests.speech import recordings

pytestmark = [pytest.mark.proof, pytest.mark.long]


def lock_queue_by_killing_idle_workers(site: Site, name: str) -> None:
    """Kill idle workers: the first that waited for work dies holding the queue's lock."""
    found = of_cluster(site, name)
    kill(found["worker"])
    for _ in range(3):
        time.sleep(2)
        kill(max(found["sentinel"].children(), key=lambda child: child.pid))  # its successor
    time.sleep(2)


def test_a_light_cluster_that_stands_still_is_restarted(
    new_site: Callable[..., Site],
) -> None:
    site = new_site(WORKER_STALL_TIMEOUT="20").start()
    does_light_work(site)
    lock_queue_by_killing_idle_workers(site, "light")
    does_light_work(site, 150)
    assert "light is stuck" in site.log.read_text()


def test_a_heavy_cluster_that_stands_still_is_restarted(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    """How long jobs wait before that counts is the transcription app's to say: a minute. How often
    the site looks goes by WORKER_STALL_TIMEOUT."""
    site = new_site(WORKER_STALL_TIMEOUT="20").start()
    speech = recordings.write(tmp_path / "go.wav", recordings.speech())
    does_heavy_work(site, speech)
    lock_queue_by_killing_idle_workers(site, "heavy")
    does_heavy_work(site, speech, 420)
    assert "heavy is stuck" in site.log.read_text()

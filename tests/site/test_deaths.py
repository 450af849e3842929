"""Parts of the site die; the rest sees to it that work goes on."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.running import Site, text_of, wait_for
from tests.site.processes import leaves_nothing, parts
from tests.speech import recordings

pytestmark = [pytest.mark.proof, pytest.mark.long]
LIGHT_WORK = """
from uploads.tasks import enqueue_cleanup
enqueue_cleanup("start")
"""
COUNT_RUNS = """
from uploads.models import CleanupRun
print(CleanupRun.objects.exclude(ended=None).count())
"""


@pytest.fixture(scope="module")
def mortal_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("mortal") / "data").start()
    yield running
    running.stop()
    leaves_nothing(running, 5)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.write(tmp_path_factory.mktemp("speech") / "go.wav", recordings.speech())


def does_light_work(site: Site, seconds: float = 30) -> None:
    """Housekeeping runs."""
    runs = int(site.shell(COUNT_RUNS))
    site.shell(LIGHT_WORK)
    wait_for(lambda: int(site.shell(COUNT_RUNS)) > runs, seconds, 1, "a cleanup")


def does_heavy_work(site: Site, speech: Path, seconds: float = 60) -> None:
    """A recording becomes a transcript."""
    identifier = str(uuid.uuid4())
    site.upload(speech, taskId=identifier)
    assert "forward" in text_of(site.wait_for_task(identifier, seconds))


def kill(process: psutil.Process) -> None:
    """SIGKILL, and wait until it is gone."""
    process.kill()
    wait_for(lambda: is_gone(process), 10)


def is_gone(process: psutil.Process) -> bool:
    """Whether it runs no more; it may be reaped while we look."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def of_cluster(site: Site, name: str) -> dict[str, psutil.Process]:
    """Its main process, its sentinel, and the sentinel's children, once all are there."""
    return wait_for(lambda: whole_cluster(site, name), 30, what=f"all of {name}")


def whole_cluster(site: Site, name: str) -> dict[str, psutil.Process] | None:
    """The processes of a cluster by what they are; None while it starts."""
    try:
        main = parts(site, name)[0]
        sentinel = main.children()[0]
        # In the order they start: workers, then the other two.
        children = sorted(sentinel.children(), key=lambda child: child.pid)
    except (StopIteration, IndexError, psutil.NoSuchProcess):
        return None
    if len(children) < 3:
        return None
    order = ["worker"] * (len(children) - 2) + ["monitor", "pusher"]
    return {"main": main, "sentinel": sentinel, **dict(zip(order, children, strict=True))}


def test_a_killed_web_worker_and_its_master_are_replaced(mortal_site: Site, speech: Path) -> None:
    master = parts(mortal_site, "web")[0]
    kill(master.children()[0])
    wait_for(lambda: len(master.children()) == 2, 10)
    kill(master)
    wait_for(lambda: answers_anew(mortal_site, master), 20)
    does_heavy_work(mortal_site, speech)


def answers_anew(site: Site, before: psutil.Process) -> bool:
    """Whether another web server than that one answers."""
    try:
        return bool(parts(site, "web")[0] != before and site.answers())
    except (StopIteration, IndexError, psutil.NoSuchProcess):
        return False


@pytest.mark.parametrize("victim", ["main", "sentinel", "pusher", "monitor"])
def test_every_part_of_the_light_cluster_is_replaced(mortal_site: Site, victim: str) -> None:
    kill(of_cluster(mortal_site, "light")[victim])
    time.sleep(3)
    does_light_work(mortal_site)


@pytest.mark.parametrize("victim", ["main", "sentinel", "pusher", "monitor"])
def test_every_part_of_the_heavy_cluster_is_replaced(
    mortal_site: Site, speech: Path, victim: str
) -> None:
    kill(of_cluster(mortal_site, "heavy")[victim])
    time.sleep(3)
    does_heavy_work(mortal_site, speech)


@pytest.mark.parametrize("name", ["web", "light", "heavy"])
def test_the_leash_itself_may_die(mortal_site: Site, speech: Path, name: str) -> None:
    before = parts(mortal_site, name)
    leash = before[0].parent()
    assert leash
    kill(leash)
    wait_for(lambda: not any(process.is_running() for process in before), 10)
    wait_for(lambda: answers_anew(mortal_site, before[0]), 20)
    does_light_work(mortal_site)
    does_heavy_work(mortal_site, speech)

"""Nothing assumes POSIX: imports, the queue under spawn, the leash without process groups."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.running import ROOT, Site, wait_for
from tests.site.processes import members
from tests.site.without_posix import POSIX_ONLY

pytestmark = pytest.mark.proof


def test_every_module_imports_without_posix(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.site.without_posix"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    imported = result.stdout.split()
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("uploads", "transcription", "whisperx_site")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert files - set(imported) == set(POSIX_ONLY)


def test_a_cluster_runs_tasks_under_spawn(tmp_path: Path) -> None:
    site = Site(tmp_path / "data", DJANGO_SETTINGS_MODULE="tests.site.spawned.settings")
    site.manage("migrate", "-v0")
    site.shell("from uploads.tasks import enqueue_cleanup; enqueue_cleanup('start')")
    with (tmp_path / "log").open("wb") as log:
        cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT,
            env=site.full_environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(
            lambda: site.shell(
                "from uploads.models import CleanupRun;"
                "print(CleanupRun.objects.exclude(ended=None).count() or '')"
            ).strip(),
            45,
            1,
            str(tmp_path / "log"),
        )
        spawned = [one for one in members(site) if "spawn_main" in " ".join(one.cmdline())]
        assert len(spawned) >= 4, spawned  # sentinel, worker, monitor, pusher
    finally:
        for process in members(site):
            process.kill()
        cluster.wait(10)
    assert "Traceback" not in (tmp_path / "log").read_text()


FAMILY = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{}']); {}"
WITHOUT_GROUPS = """
import os, sys
del os.killpg
sys.argv[1:] = [sys.executable, "-c", {service!r}]
from whisperx_site.processes import process_guard
process_guard.CHILDREN_POLL_SECONDS = 0.1
sys.exit(process_guard.main())
"""


def leash_without_groups(service: str) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    """A leash as it is where processes form no groups, with a service of two processes."""
    code = WITHOUT_GROUPS.format(service=service)
    leash = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE)
    family = wait_for(
        lambda: (found := psutil.Process(leash.pid).children(recursive=True))[1:] and found, 20
    )
    time.sleep(0.5)
    return leash, family


def test_without_process_groups_a_stop_leaves_nobody() -> None:
    sleep = "import time; time.sleep(60)"
    leash, family = leash_without_groups(FAMILY.format(sleep, sleep.partition("; ")[2]))
    assert leash.stdin
    leash.stdin.write(b"stop\n")
    leash.stdin.flush()
    leash.wait(10)
    assert not psutil.wait_procs(family, 5)[1]


def test_without_process_groups_the_end_of_the_parent_leaves_nobody() -> None:
    sleep = "import time; time.sleep(60)"
    leash, family = leash_without_groups(FAMILY.format(sleep, sleep.partition("; ")[2]))
    assert leash.stdin
    leash.stdin.close()
    leash.wait(10)
    assert not psutil.wait_procs(family, 5)[1]


def test_without_process_groups_a_service_that_ends_takes_its_family_along() -> None:
    sleep = "import time; time.sleep(60)"
    leash, family = leash_without_groups(FAMILY.format(sleep, "time.sleep(2); sys.exit(3)"))
    assert leash.wait(10) == 3
    assert not psutil.wait_procs(family, 5)[1]

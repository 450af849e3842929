"""What the processes of a site know: each no more than it needs."""

import sys

import psutil
import pytest

from tests.running import Site


@pytest.mark.skipif(sys.platform == "win32", reason="others' environments are not shown there")
def test_the_first_password_stays_with_the_start(site: Site) -> None:
    """Web server and workers, which serve strangers, have no use for ADMIN_PASSWORD."""
    supervisor, *services = site.processes()
    assert "ADMIN_PASSWORD" in supervisor.environ()
    found = 0
    for process in services:
        try:
            surroundings = process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue  # it has just ended
        if surroundings:
            found += 1
            assert "ADMIN_PASSWORD" not in surroundings, process.cmdline()
    assert found >= 3

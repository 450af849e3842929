"""As many open files as the system allows, and no more clients than they suffice for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.running import ROOT, Site, wait_for
from tests.uploads.conftest import created, head, patching
from tests.uploads.wire import Wire
from whisperx_site.configuration.open_files import connections_within

FIT = sys.platform == "linux"
pytestmark = pytest.mark.skipif(not FIT, reason="the limit is set by prlimit")
UPLOADS = 800
FEWER = 150
MORE = min(65536, psutil.Process().rlimit(psutil.RLIMIT_NOFILE)[1]) if FIT else 0


@pytest.mark.starts
def test_the_limit_is_raised_to_what_is_allowed() -> None:
    code = "from whisperx_site.configuration.open_files import raise_limit; print(raise_limit())"
    for limits, expected in (("256:900", "900"), ("256:256", "256")):
        command = ["prlimit", f"--nofile={limits}", sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


def test_places_follow_from_the_limit() -> None:
    assert connections_within(None, 8000) == 8000
    assert connections_within(65536, 8000) == 8000
    assert 100 < connections_within(1024, 8000) < 1024 // 4
    assert connections_within(64, 8000) == 1


@pytest.mark.proof
def test_doctor_says_how_many_clients_that_are(site: Site) -> None:
    told = site.manage("doctor", check=False).stdout
    assert "open files: " in told and "clients at once" in told


@pytest.fixture(params=[MORE, 1024])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A site as systemd starts it, and where no more is to be had."""
    running = Site(tmp_path / "data", UPLOADS_ACCEPT="any")
    running.prefix = ["prlimit", f"--nofile=1024:{request.param}"]
    yield running.start()
    running.kill_everything()


@pytest.mark.proof
def test_slow_uploads_do_not_stop_the_site(limited: Site) -> None:
    """722 of them did: each costs four open files. Who finds no place waits for one."""
    allowed = int(limited.prefix[1].rpartition(":")[2])
    with ExitStack() as stack:
        wires = []
        for _ in range(UPLOADS if allowed > 1024 else FEWER):
            path = created(limited, 2)
            wire = stack.enter_context(Wire(limited, 60))
            wire.head("PATCH", path, patching(0, 2))
            wire.send(b"a")
            wires.append((path, wire))
        wait_for(lambda: stored(limited) >= len(wires), 60, what="the first byte of each")
        assert head(limited, created(limited, 2)).status == 200
        for path, wire in wires:
            wire.send(b"b")
            assert wire.answer("PATCH").offset == 2, path
    web = [one for one in limited.processes() if "gunicorn" in " ".join(one.cmdline())]
    assert {one.rlimit(psutil.RLIMIT_NOFILE)[0] for one in web} == {allowed}
    assert "Too many open files" not in limited.log.read_text()


def stored(site: Site) -> int:
    """How many files have their first byte."""
    files = (site.data_dir / "uploads").glob("??/*")
    return sum(file.suffix == "" and file.stat().st_size == 1 for file in files)

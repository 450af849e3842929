"""Front page, doctor and log of a running site name a fault of its processes in the same words."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from html import unescape

import psutil
import pytest

from tests.running import Site, wait_for
from tests.site.people import signed_in

pytestmark = pytest.mark.proof

SAID = "workers: The job worker is halted by a signal (SIGSTOP)"


def job_workers(site: Site) -> list[psutil.Process]:
    return [
        process
        for process in site.processes()
        if "qcluster" in process.cmdline() and process.environ().get("SITE_PROCESS") == "heavy"
    ]


def named_by_doctor(site: Site) -> set[str]:
    told = json.loads(site.manage("doctor", "--json", check=False).stdout)
    return {f"{one['what']}: {one['fact']}" for one in told["findings"] if not one["ok"]}


def test_a_halted_worker_is_named_everywhere(new_site: Callable[..., Site]) -> None:
    site = new_site().start()
    staff = signed_in(site)

    def page() -> str:
        html = staff.get(f"{site.url}/admin/overview", headers={"Accept": "text/html"}).text
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))

    workers = wait_for(lambda: job_workers(site), 60)
    assert SAID not in page() and SAID not in named_by_doctor(site)
    for process in workers:
        process.suspend()
    assert SAID in page()
    assert re.search(r"kill -CONT( \d+)+", page())
    assert SAID in named_by_doctor(site)
    wait_for(lambda: SAID in site.log.read_text(), 90, what="the log to say so")
    numbers = re.findall(r"kill -CONT ([\d ]+)", page())[0].split()
    for number in map(int, numbers):  # as the page says
        psutil.Process(number).send_signal(signal.SIGCONT)
    assert SAID not in page()
    wait_for(lambda: f"over: {SAID}" in site.log.read_text(), 90, what="the log to say its end")

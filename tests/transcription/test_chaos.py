"""Processes of a site killed at random while it works: every job ends, and every receiver hears.

CHAOS_SECONDS and CHAOS_JOBS say for how long and with how many jobs (45 and 20 by default, 120 and
50 by `make storm`), TEST_SEED repeats a choice of victims.
"""

import json
import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.running import Site, wait_for
from tests.seed import SEED
from tests.speech import recordings

SECONDS = float(os.environ.get("CHAOS_SECONDS", "45"))
JOBS = int(os.environ.get("CHAOS_JOBS", "20"))
VICTIMS = {  # by a word of their command lines
    "web": "gunicorn",
    "worker": "qcluster",
    "engine": "transcription.engines.runtime.worker",
}


class Receiver:
    """Takes every message, and remembers by its path which ids and statuses came."""

    def __init__(self) -> None:
        self.ids: defaultdict[str, set[str]] = defaultdict(set)
        self.statuses: defaultdict[str, list[str]] = defaultdict(list)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.ids[self.path].add(self.headers["X-Delivery-ID"])
                receiver.statuses[self.path].append(body["status"])
                self.answer()

            def answer(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def submit(site: Site, path: Path, callback: str) -> str:
    """Post a recording; returns the task's identifier."""
    query = {"callback_url": callback, "device": "cpu"}
    with path.open("rb") as file:
        answer = site.http.post(
            f"{site.url}/speech-to-text", params=query, files={"file": file}, timeout=120
        )
    assert answer.status_code == 200, answer.text
    identifier: str = answer.json()["identifier"]
    return identifier


def kind_of(process: psutil.Process) -> str:
    """What a process of the site is; empty: nothing that is to be killed."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return ""
    return next((kind for kind, word in VICTIMS.items() if word in line), "")


def kill_at_random(site: Site, chance: random.Random, until: float) -> Counter[str]:
    """SIGKILL to one process after the other; never to the one that starts them all anew."""
    killed: Counter[str] = Counter()
    seen: set[str] = set()
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.2, 2.5))
        family = defaultdict(list)
        for process in site.processes()[1:]:
            family[kind_of(process)].append(process)
        family.pop("", None)
        seen |= family.keys()
        if not family:
            continue
        kind = chance.choice(sorted(family))
        try:
            chance.choice(family[kind]).kill()
            killed[kind] += 1
        except psutil.NoSuchProcess:
            continue
    assert seen == VICTIMS.keys(), "no process had the word of a victim that it never met"
    return killed


def history(site: Site) -> dict[str, dict[str, Any]]:
    """What the database tells of each job's ends."""
    said = site.shell(
        "import json\n"
        "from transcription.models import *\n"
        "def ends(job, word): return job.events.filter(what__startswith=word).count()\n"
        "print(json.dumps({str(job.pk): {\n"
        "    'deaths': job.engine_deaths, 'starts': ends(job, 'Started'),\n"
        "    'ends': ends(job, 'Ended'), 'failures': ends(job, 'Failed'),\n"
        "    'transcripts': Transcript.objects.filter(job=job).count(),\n"
        "    'outputs': sorted(job.outputs.values_list('name', flat=True)),\n"
        "} for job in Job.objects.all()}))"
    )
    told: dict[str, dict[str, Any]] = json.loads(said)
    return told


@pytest.mark.proof
@pytest.mark.long
def test_every_job_ends_whatever_is_killed(
    new_site: Callable[..., Site], receiver: Receiver, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    site = new_site(HEAVY_WORKERS="2", WEB_WORKERS="2", SSRF_PROTECTION_ENABLED="0").start()
    path = recordings.write(tmp_path / "speech.wav", recordings.long_speech(7))
    with ThreadPoolExecutor(2) as threads:
        numbers = range(JOBS)
        tasks = list(threads.map(lambda n: submit(site, path, f"{receiver.url}/{n}"), numbers))
    assert len(set(tasks)) == JOBS

    killed = kill_at_random(site, chance, time.monotonic() + SECONDS)
    wait_for(site.answers, 60, what="the web server again")

    def rows() -> dict[str, dict[str, Any]]:
        try:
            found = site.http.get(f"{site.url}/task/all", timeout=30).json()["tasks"]
        except requests.RequestException:
            return {}
        return {row["identifier"]: row for row in found}

    def all_ended() -> bool:
        return [row["status"] in ("completed", "failed") for row in rows().values()] == [
            True
        ] * JOBS

    wait_for(all_ended, 600, 1.0, "the end of all jobs")
    wait_for(lambda: len(receiver.ids) == JOBS, 120, 0.5, "a message for each job")

    told, ended = history(site), rows()
    assert told.keys() == ended.keys() == set(tasks)
    for number, task in enumerate(tasks):
        row, facts = ended[task], told[task]
        if row["status"] == "failed":
            assert "died 3 times" in row["error"] and facts["deaths"] == 3
            assert (facts["ends"], facts["failures"], facts["transcripts"]) == (0, 1, 0)
        else:
            assert "forward" in str(site.task(task)["result"])
            assert (facts["ends"], facts["failures"], facts["transcripts"]) == (1, 0, 1)
        assert len(receiver.ids[f"/{number}"]) == 1 and None not in receiver.ids[f"/{number}"]
        assert set(receiver.statuses[f"/{number}"]) == {row["status"]}
    site.stop()
    failed = sum(row["status"] == "failed" for row in ended.values())
    again = sum(len(statuses) - 1 for statuses in receiver.statuses.values())
    starts = sum(facts["starts"] for facts in told.values())
    print(
        f"\n{dict(killed)} killed in {SECONDS:.0f} s; {JOBS} jobs, {starts} "
        f"starts, {failed} failed after three deaths of the engine, {again} messages repeated"
    )

"""SIGKILL of everything at random moments, then a start on the same data: nothing is lost, nothing
happens twice, nobody has to help.

KILLS sets how many times (5 by default, 10 by `make storm`), TEST_SEED repeats a run.
"""

import os
import random
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.running import Site, wait_for
from tests.seed import SEED
from tests.speech import recordings

KILLS = int(os.environ.get("KILLS", "5"))
CHUNK = 60_000


class Client(threading.Thread):
    """Uploads one file in small chunks, and remembers what was acknowledged."""

    def __init__(self, site: Site, data: bytes) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.data = data
        self.task = str(uuid.uuid4())
        self.address = ""
        self.acknowledged = 0
        self.sent = 0
        self.finished = False

    def run(self) -> None:
        """Go on from where the server says, until the end or until the server dies."""
        try:
            if not self.address:
                self.address = self.site.create(
                    len(self.data), {"filename": "speech.wav", "taskId": self.task}
                )
            self.check()
            while self.acknowledged < len(self.data):
                piece = self.data[self.acknowledged : self.acknowledged + CHUNK]
                self.sent = max(self.sent, self.acknowledged + len(piece))
                response = self.site.patch(self.address, self.acknowledged, piece)
                assert response.status_code == 204, (response.status_code, response.text)
                self.acknowledged = int(response.headers["Upload-Offset"])
                time.sleep(0.02)
            self.finished = True
        except requests.RequestException:
            return  # killed: another thread goes on after the start

    def check(self) -> None:
        """HEAD never goes below what was acknowledged, nor above what was sent."""
        held = self.site.offset(self.address)
        assert self.acknowledged <= held <= max(self.sent, self.acknowledged)
        self.acknowledged = held

    def again(self) -> "Client":
        """The same upload, to go on with."""
        follower = Client(self.site, self.data)
        for name in ("task", "address", "acknowledged", "sent", "finished"):
            setattr(follower, name, getattr(self, name))
        return follower


@pytest.mark.proof
@pytest.mark.long
def test_kills_lose_nothing_and_repeat_nothing(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    site = new_site()
    clients: list[Client] = []
    killed_at = []
    for number in range(KILLS):
        site.start()
        speech = recordings.long_speech(chance.uniform(4, 25), chance.uniform(0.2, 1.5))
        path = recordings.write(tmp_path / f"{number}.wav", speech)
        clients = [client.again() for client in clients] + [Client(site, path.read_bytes())]
        unfinished = [client for client in clients if not client.finished]
        for client in unfinished:
            client.start()
        pause = chance.uniform(0.1, 4)
        time.sleep(pause)
        killed_at.append(f"{pause:.1f}s")
        site.kill_everything()
        for client in unfinished:
            client.join(30)
            assert not client.is_alive()

    site.start()
    clients = [client.again() for client in clients]
    for client in clients:
        if client.address:
            client.check()
            client.run()
        else:  # its POST was never answered
            client.run()
        assert client.finished
        assert site.http.get(client.address, timeout=60).content == client.data
        assert site.offset(client.address) == len(client.data)
    for client in clients:
        identifier = site.http.head(client.address).headers["X-Task-Id"]
        assert identifier == client.task
        assert site.wait_for_task(identifier, 240)["status"] == "completed"
    everything = site.http.get(f"{site.url}/task/all", timeout=30).json()["tasks"]
    assert sorted(row["identifier"] for row in everything) == sorted(
        client.task for client in clients
    )
    ends = site.shell(
        "from transcription.models import *\n"
        "print(JobEvent.objects.filter(what__startswith='Ended').count(),"
        " Transcript.objects.count(), Job.objects.exclude(engine_deaths=0).count())"
    )
    assert ends.split() == [str(len(clients)), str(len(clients)), "0"]
    print(f"{KILLS} kills after {', '.join(killed_at)}: {len(clients)} uploads, one result each")


@pytest.mark.proof
@pytest.mark.long
def test_heavy_worker_killed_midway_runs_the_job_again(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    """Not counted as a death of the engine, and quick: the sweep sees that the process is gone."""
    site = new_site().start()
    path = recordings.write(tmp_path / "some.wav", recordings.long_speech(60))
    identifier = str(uuid.uuid4())
    site.upload(path, taskId=identifier)

    def stage() -> str:
        stage: str = site.http.get(f"{site.url}/tasks/{identifier}/progress").json()["stage"]
        return stage

    wait_for(lambda: stage() == "transcribing", 30)
    worker = site.shell(
        "from transcription.models import Job\n"
        f"print(Job.objects.get(pk='{identifier}').worker_pid)"
    )
    os.kill(int(worker), 9)
    assert site.wait_for_task(identifier, 240)["status"] == "completed"
    history = site.shell(
        "from transcription.models import *\n"
        f"job = Job.objects.get(pk='{identifier}')\n"
        "print(job.engine_deaths, job.events.filter(what__startswith='Started').count())"
    )
    assert history.split() == ["0", "2"]
    site.stop()

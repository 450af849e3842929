"""SIGKILL of web workers and of the whole site while clients upload: no acknowledged byte is lost,
every file ends byte for byte, and is finished once.

WEB_KILLS and SITE_KILLS set how many (60 and 8 by default, 180 and 20 by `make storm`), TEST_SEED
repeats a run.
"""

import os
import random
import threading
import time
from collections.abc import Callable

import psutil
import pytest
import requests

from tests.running import Site, wait_for
from tests.seed import SEED

WEB_KILLS = int(os.environ.get("WEB_KILLS", "60"))
SITE_KILLS = int(os.environ.get("SITE_KILLS", "8"))


class Uploader(threading.Thread):
    """Uploads one random file after another until told to stop, and complains of every lie."""

    def __init__(self, site: Site, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.chance = random.Random(seed)
        self.stop = stop
        self.done = 0
        self.interruptions = 0
        self.complaints: list[str] = []
        self.http = requests.Session()
        self.http.headers.update({"Tus-Resumable": "1.0.0", **site.authorization})

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.upload(self.chance.randbytes(self.chance.randint(1, 3_000_000)))
                self.done += 1
        except Exception as problem:  # noqa: BLE001 - shown by the test
            self.complaints.append(f"{type(problem).__name__}: {problem}")

    def persist(self, request: Callable[[], requests.Response]) -> requests.Response:
        """Ask until there is an answer: the server may be dead for some seconds."""
        deadline = time.monotonic() + 90
        while True:
            try:
                response = request()
                if response.status_code < 500:
                    return response
            except requests.RequestException:
                self.interruptions += 1
            if time.monotonic() > deadline:
                raise AssertionError("no answer for 90 s")
            time.sleep(0.05)

    def upload(self, data: bytes) -> None:
        made = self.persist(
            lambda: self.http.post(
                f"{self.site.url}/uploads/files/",
                headers={"Upload-Length": str(len(data))},
                timeout=10,
            )
        )
        address = self.site.url + made.headers["Location"]
        offset = acknowledged = 0
        while offset < len(data):
            piece = data[offset : offset + self.chance.choice((5_000, 60_000, 400_000))]
            headers = {
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }
            try:
                response = self.http.patch(address, data=piece, headers=headers, timeout=10)
            except requests.RequestException:
                self.interruptions += 1
                response = None
            if response is not None and response.status_code == 204:
                offset = acknowledged = int(response.headers["Upload-Offset"])
                continue
            head = self.persist(lambda: self.http.head(address, timeout=10))
            assert head.status_code == 200, head.status_code
            offset = int(head.headers["Upload-Offset"])
            assert acknowledged <= offset <= len(data), (acknowledged, offset)
            acknowledged = offset
        head = self.persist(lambda: self.http.head(address, timeout=10))
        assert int(head.headers["Upload-Offset"]) == len(data)
        whole = self.persist(lambda: self.http.get(address, timeout=30))
        assert whole.status_code == 200 and whole.content == data


def is_gunicorn(process: psutil.Process) -> bool:
    words = process.cmdline()
    return "gunicorn" in words and "whisperx_site.processes.process_guard" not in words


def web_workers(site: Site) -> list[psutil.Process]:
    """The processes that serve requests: children of gunicorn's master."""
    found = []
    for member in site.processes():
        try:
            parent = member.parent()
            if parent and is_gunicorn(parent) and is_gunicorn(member) and not member.children():
                found.append(member)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.proof
@pytest.mark.long
def test_a_storm_of_kills(new_site: Callable[..., Site]) -> None:
    chance = random.Random(SEED)
    site = new_site(UPLOADS_ACCEPT="any").start()
    stop = threading.Event()
    uploaders = [Uploader(site, chance.randrange(10**9), stop) for _ in range(4)]
    for uploader in uploaders:
        uploader.start()
    kinds = ["web"] * WEB_KILLS + ["site"] * SITE_KILLS
    chance.shuffle(kinds)
    killed = {"web": 0, "site": 0}
    for kind in kinds:
        time.sleep(chance.uniform(0.05, 0.5))
        if kind == "site":
            site.kill_everything()
            site.start()
        else:
            worker = chance.choice(wait_for(lambda: web_workers(site), 30))
            worker.kill()
        killed[kind] += 1
        assert not [c for uploader in uploaders for c in uploader.complaints]
    stop.set()
    for uploader in uploaders:
        uploader.join(120)
        assert not uploader.is_alive()
    complaints = [complaint for uploader in uploaders for complaint in uploader.complaints]
    assert not complaints, complaints
    done = sum(uploader.done for uploader in uploaders)
    cuts = sum(uploader.interruptions for uploader in uploaders)
    assert done and cuts, "nothing was uploaded, or no kill met a request: the test shows nothing"
    finished = site.shell(
        "from uploads.models import Upload\n"
        "rows = Upload.objects.filter(state='finished')\n"
        "print(rows.count(), rows.filter(notified_at=None).count())"
    ).split()
    assert finished == [str(done), "0"]
    print(
        f"{killed['web']} web workers and {killed['site']} whole sites killed, "
        f"{cuts} requests broken, {done} uploads byte for byte"
    )
    assert done and cuts

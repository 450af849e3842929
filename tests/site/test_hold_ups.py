"""One request holds up nobody else: each shape is sent two at a time, and others ask beside it.

`make hold-ups` sends each for longer (HOSTILE_SECONDS).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.running import ROOT, Site
from tests.site.hostile.shapes import SHAPES

pytestmark = [pytest.mark.proof, pytest.mark.alone]

SECONDS = os.environ.get("HOSTILE_SECONDS", "3")
EVERY = 0.03  # seconds between two that ask
WITHIN = 0.25  # seconds, for 99 in 100
LONG_TRANSCRIPT = """
from django.utils import timezone
from transcription.models import Job, Transcript

def word(segment, number):
    start = 3 * segment + number * 0.3
    speaker = f"SPEAKER_0{segment // 5 % 3}"
    return {"word": f"word{number}", "start": start, "end": start + 0.2, "score": 0.9,
            "speaker": speaker}

def segment(number):
    words = [word(number, place) for place in range(8)]
    text = " ".join(one["word"] for one in words)
    return {"start": 3.0 * number, "end": 3.0 * number + 2.9, "text": text, "words": words}

now = timezone.now()
job = Job.objects.create(state="completed", stage="complete", percent=100, file_name="long.wav",
    engine="faster-whisper", engine_used="faster-whisper", started=now, finished=now)
Transcript.objects.create(job=job, segments=[segment(number) for number in range(36_000)])
print(job.pk)
"""
REFUSED = {"400", "401", "403", "405", "408", "413", "422", "429", "431"}
SERVED = {"200", "201", "204", "307", "503", *REFUSED}  # 503: a source that packs too much


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """A site with a transcript of thirty hours, and what its attackers need to know."""
    folder = tmp_path_factory.mktemp("target")
    site = Site(folder / "data", SSRF_PROTECTION_ENABLED="false").start()
    job = site.shell(LONG_TRANSCRIPT).split()[-1]
    assert len(site.http.get(f"{site.url}/jobs/{job}/export.srt", timeout=60).text) > 2_000_000
    store = str(site.data_dir / "uploads")
    yield site, {**os.environ, "HOSTILE_JOB": job, "HOSTILE_STORE": store}
    site.kill_everything()


@pytest.mark.parametrize("shape", SHAPES)
def test_others_are_answered_meanwhile(target: tuple[Site, dict[str, str]], shape: str) -> None:
    site, environment = target
    command = [sys.executable, "-m", "tests.site.hostile", str(site.port), site.key]
    with subprocess.Popen(
        [*command, SECONDS, shape], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as attackers:
        waited = asked_while(attackers, site.port)
        assert attackers.stdout is not None
        answers = json.loads(attackers.stdout.read())[shape]
    waited.sort()
    half, most = waited[len(waited) // 2], waited[(len(waited) - 1) * 99 // 100]
    told = f"{shape}: {answers}; {len(waited)} asked, half waited {half:.3f} s, 99 % {most:.3f} s"
    print(f"{told}, the last {waited[-1]:.3f} s")
    assert answers and set(" ".join(answers).split()) <= SERVED, told
    assert most < WITHIN, told


def asked_while(attackers: subprocess.Popen[str], port: int) -> list[float]:
    """How long each waited who asked while the attackers were at it, in seconds."""
    waited: list[float] = []
    asking = []
    while attackers.poll() is None:
        asking.append(threading.Thread(target=lambda: waited.append(ask_for_life(port))))
        asking[-1].start()
        time.sleep(EVERY)
    for one in asking:
        one.join()
    return waited


def ask_for_life(port: int) -> float:
    """Seconds that `/health/live` takes, on a connection of its own."""
    began = time.monotonic()
    request = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", port), 60)) as wire:
        wire.sendall(request)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200"), answer[:100]
    return time.monotonic() - began

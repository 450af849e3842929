"""Slots of a graphics card, shared by processes that know nothing else of each other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from transcription.engines.base import Request
from transcription.engines.runtime import gpu_slots
from transcription.engines.runtime import process as spawn
from transcription.media.errors import Cancelled

HOLD = """
import sys, time
from transcription.engines.runtime import gpu_slots
from transcription.engines.base import Request
request = Request("", "x", slots=1, slots_dir=sys.argv[1])
with gpu_slots.taken(request, "cuda", lambda: None, lambda: False):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the only slot of card 0."""
    environment = {**os.environ, "PYTHONPATH": str(spawn.ROOT)}
    arguments = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_slot_is_waited_for_and_is_free_when_its_holder_is_killed(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    request = Request("", "x", slots=1, slots_dir=str(tmp_path))
    waits: list[int] = []

    def wait() -> None:
        waits.append(1)
        if len(waits) == 2:
            holder.kill()
            holder.wait()

    with gpu_slots.taken(request, "cuda", wait, lambda: False):
        assert len(waits) >= 2
    with gpu_slots.taken(request, "cuda", wait, lambda: False):  # it was given back
        pass
    with pytest.raises(Cancelled):
        gpu_slots._first_free(request, wait, lambda: True)


def test_who_need_not_wait(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    def wait() -> None:
        raise AssertionError("waited")

    folder = str(tmp_path)
    for request, device in (
        (Request("", "x", slots=1, slots_dir=folder), "cpu"),
        (Request("", "x", slots=2, slots_dir=folder), "cuda"),
        (Request("", "x", slots=1, slots_dir=folder, device_index=1), "cuda"),
        (Request("", "x", slots=0, slots_dir=folder), "cuda"),
    ):
        with gpu_slots.taken(request, device, wait, lambda: False):
            pass

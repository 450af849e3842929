"""SIGKILL of engine, worker and whole site during one long recording: no chunk that was kept is
done again, and the text is that of a run without kills.

STORM_KILLS sets how many times (4 by default, 20 by `make storm`), TEST_SEED repeats a storm.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.running import Site, text_of, wait_for
from tests.seed import SEED
from tests.speech import built_in, recordings

KILLS = int(os.environ.get("STORM_KILLS", "4"))
MINUTES = 20 if KILLS > 4 else 6
ENGINE, WORKER, SITE = "transcription.engines.runtime.worker", "qcluster", ""
LATEST = MINUTES * 9 // 5
"""Kept chunks, of some five in two minutes, from which on kills only come early: the storm must not
outlast the recording."""
TICK = 0.02
"""Seconds between two places where Whisper may put a word."""
QUERY = {"model": "tiny.en", "language": "en", "threads": "1"}
"""One thread, so that the work lasts longer than the storm."""


def recording(folder: Path, chance: random.Random) -> Path:
    """The sentence again and again, now loud and now low, with pauses of all lengths."""
    sentence, parts, seconds = recordings.speech(), [], 0.0
    while seconds < MINUTES * 60:
        pause = recordings.silence(chance.uniform(0.2, 3.0))
        part = recordings.louder(sentence, chance.uniform(0.3, 1.0)) + pause
        parts.append(part)
        seconds += len(part) / (recordings.RATE * 2)
    return recordings.write(folder / "meeting.mp3", b"".join(parts))


def kept_chunks(site: Site) -> int:
    """The chunks in the database, which is read beside the site."""
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3", timeout=30)) as database:
        (count,) = database.execute(
            "SELECT count(*) FROM transcription_transcribedchunk"
        ).fetchone()
        return int(count)


def kill(site: Site, victim: str) -> None:
    if victim == SITE:
        site.kill_everything()
        site.start()
        return
    for process in site.processes():
        with suppress(psutil.Error):
            if any(victim in part for part in process.cmdline()):
                process.kill()


def submitted(site: Site, path: Path) -> str:
    with path.open("rb") as file:
        answer = site.http.post(
            f"{site.url}/service/transcribe", params=QUERY, files={"file": file}, timeout=120
        )
    assert answer.status_code == 200, answer.text
    identifier: str = answer.json()["identifier"]
    return identifier


def events_of(site: Site, identifier: str) -> list[str]:
    said = site.shell(
        "from transcription.models import JobEvent\n"
        f"for event in JobEvent.objects.filter(job_id='{identifier}'): print(event.what)"
    )
    return said.splitlines()


def assert_same_transcript(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """Word for word.

    After a kill chunks are grouped into other batches. On processors without AVX-512 a batch of
    another size rounds sums in another way, which may move a word by one of Whisper's ticks.
    """
    assert [segment["text"] for segment in one] == [segment["text"] for segment in other]
    for edge in ("start", "end"):
        times = [segment[edge] for segment in one]
        assert times == pytest.approx([segment[edge] for segment in other], abs=2 * TICK)


@pytest.mark.proof
@pytest.mark.long
def test_a_storm_of_kills_costs_the_batch_at_work_and_changes_no_word(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    built_in.needed()
    chance = random.Random(SEED)
    site = new_site(ENGINE="faster-whisper", WHISPER_MODEL="tiny.en").start()
    path = recording(tmp_path, chance)
    identifier = submitted(site, path)
    kept = [0]
    for _ in range(KILLS):
        victims = [WORKER, SITE]
        wait_for(lambda: site.running(ENGINE), 120)
        if kept[-1] < LATEST and chance.random() < 0.75:
            wait_for(lambda: kept_chunks(site) > kept[-1], 120)
            victims.append(ENGINE)  # three deaths without a chunk in between fail the job
        time.sleep(chance.uniform(0.0, 0.6))
        kept.append(kept_chunks(site))
        # Queued: a worker that was killed has left the job, and its engine has not yet noticed.
        status = site.task(identifier)["status"]
        assert status in {"processing", "queued"}, f"{status} after {kept}: too soon"
        kill(site, chance.choice(victims))
    stormy = site.wait_for_task(identifier, 600)
    assert stormy["status"] == "completed", stormy["error"]
    calm = site.wait_for_task(submitted(site, path), 600)
    assert_same_transcript(stormy["result"]["segments"], calm["result"]["segments"])
    assert text_of(stormy).lower().count("forward") > MINUTES * 5
    events = events_of(site, identifier)
    found = [re.match(r"Goes on after (\d+) chunks", what) for what in events]
    begun_at = [int(match[1]) for match in found if match]
    # Never before where it was, and at last after all that was seen to be kept.
    assert begun_at == sorted(begun_at) and begun_at[-1] >= kept[-1] > 0
    assert len(begun_at) <= KILLS
    assert sum(what.startswith("Ended") for what in events) == 1
    assert not [what for what in events if what.startswith("Failed")]
    print(f"{KILLS} kills at {kept} kept chunks; went on after {begun_at}")

"""A population of clients, drawn by hypothesis: stalling, cut off, roaming, repeating, erring.

Their files end byte for byte, and each is completed once. POPULATION sets how many populations are
drawn (12 by default, always the same); with POPULATION_SEED they are others.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.running import Site, encode_metadata, wait_for
from tests.uploads.client import Step, Tally
from tests.uploads.conftest import ROOT, content, head
from tests.uploads.population import KINDS, LASTING, Person, at_once
from tests.uploads.wire import TUS, ask

POPULATIONS = int(os.environ.get("POPULATION", "12"))
SEED = os.environ.get("POPULATION_SEED", "")
SHARES = st.sampled_from((0.0, 0.3, 0.6, 1.0))


def steps(kinds: list[str]) -> st.SearchStrategy[list[Step]]:
    """What happens to one upload."""
    step = st.builds(
        Step,
        kind=st.sampled_from(kinds),
        share=SHARES,
        sent=SHARES,
        pause=st.sampled_from((0.0, 0.01, 0.1)),
        chunked=st.booleans(),
    )
    return st.lists(step, min_size=2, max_size=7)


@dataclass(frozen=True)
class Life:
    """One file: an upload, or several parts that are joined.

    Attributes:
        size: Its bytes.
        steps: What happens to each part of it; one: it is uploaded as a whole.
        early: Whether the joining is ordered before the parts have their bytes.
        defers: Whether the length is said last.
        first: How many bytes come with the creation.
    """

    size: int
    steps: list[list[Step]]
    early: bool
    defers: bool
    first: int


SIZES = st.sampled_from((600, 5_000, 70_000, 300_000))
SINGLE = st.builds(
    Life,
    size=SIZES,
    steps=st.lists(steps(KINDS), min_size=1, max_size=1),
    early=st.just(False),
    defers=st.booleans(),
    first=st.sampled_from((0, 0, 1, 512)),
)
JOINED = st.builds(
    Life,
    size=SIZES,
    steps=st.lists(steps(LASTING), min_size=2, max_size=4),
    early=st.booleans(),
    defers=st.booleans(),
    first=st.just(0),
)
POPULATION = st.lists(st.one_of(SINGLE, SINGLE, JOINED), min_size=3, max_size=7)


def live(site: Site, life: Life, name: str, tally: Tally) -> None:
    """One file, from its creation to its last byte."""
    # It begins like a recording, so it becomes a job; and holds none, so the job ends soon.
    data = b"ID3\x04" + random.Random(name).randbytes(life.size)
    metadata = {"Upload-Metadata": encode_metadata({"filename": name})}
    if len(life.steps) == 1:
        Person(site, data, tally, metadata, life.defers, life.first).live(life.steps[0])
        return
    share = len(data) // len(life.steps) + 1
    parts = [
        Person(site, data[i * share : (i + 1) * share], tally, {"Upload-Concat": "partial"}, defers)
        for i, defers in enumerate([life.defers, *[False] * (len(life.steps) - 1)])
    ]
    concat = {"Upload-Concat": "final;" + " ".join(part.path for part in parts)}
    order = partial(ask, site, "POST", ROOT, {**TUS, **metadata, **concat})
    made = order() if life.early else None
    at_once(*(partial(part.live, drawn) for part, drawn in zip(parts, life.steps, strict=True)))
    made = made or order()
    assert made.status == 201, (made.status, made.body)
    path = str(made.headers["Location"])
    # Where two parts end at once, one of their requests joins, while the other may have answered.
    wait_for(lambda: head(site, path).headers["Upload-Offset"] == str(len(data)), 10, 0.05)
    assert content(site, path) == data
    tally.count("files joined from parts")


def completions(site: Site) -> Counter[str]:
    """How often each file name became a job: what `upload_finished` does to the site."""
    tasks: list[dict[str, Any]] = site.http.get(f"{site.url}/task/all", timeout=60).json()["tasks"]
    return Counter(task["file_name"] for task in tasks)


@pytest.mark.proof
def test_a_population_of_clients(plain_site: Site) -> None:
    tally = Tally()
    names: set[str] = set()

    def together(lives: list[Life]) -> None:
        mine = [f"{uuid.uuid4().hex}.mp3" for _ in lives]
        at_once(*(partial(live, plain_site, *who, tally) for who in zip(lives, mine, strict=True)))
        names.update(mine)
        assert {completions(plain_site)[name] for name in mine} == {1}

    drawn = settings(
        max_examples=POPULATIONS,
        derandomize=not SEED,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(POPULATION)(together))
    (seed(int(SEED))(drawn) if SEED else drawn)()
    assert {completions(plain_site)[name] for name in names} == {1}
    what = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.counts.items()))
    print(f"\n{POPULATIONS} populations, {len(names)} files byte for byte, each once: {what}")

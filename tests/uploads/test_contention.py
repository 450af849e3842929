"""Two live clients that fight over one upload: no byte is wrong, both end, in less than twice the
time of one. FIGHT_ROUNDS sets how often (3 by default)."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.running import ROOT as PROJECT
from tests.running import Site
from tests.uploads.conftest import ROOT, content, created, head

SCRIPT = Path(__file__).parent / "clients" / "fighter.py"
MIB = 1024 * 1024
SIZE = 256 * MIB
ROUNDS = int(os.environ.get("FIGHT_ROUNDS", "3"))
MOST_ROUNDS = 4 * ROUNDS


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fight") / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def upload(site: Site, file: Path, clients: int, chunk_size: int) -> tuple[float, int]:
    """The seconds until all clients have ended, and how often one of them heard 409."""
    path = created(site, SIZE)
    command = [sys.executable, str(SCRIPT), site.url + ROOT, site.key, site.url + path, str(file)]
    fighters = [
        subprocess.Popen(
            [*command, str(chunk_size)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(clients)
    ]
    try:
        for fighter in fighters:
            assert fighter.stdout is not None
            assert fighter.stdout.readline() == "ready\n"
        began = time.monotonic()
        for fighter in fighters:
            assert fighter.stdin is not None
            fighter.stdin.write("go\n")
            fighter.stdin.flush()
        said = [fighter.stdout.readline().split() for fighter in fighters if fighter.stdout]
        seconds = time.monotonic() - began
        assert [fighter.wait(30) for fighter in fighters] == [0] * clients
    finally:
        for fighter in fighters:
            fighter.kill()
            fighter.communicate()
    assert head(site, path).offset == SIZE
    assert content(site, path) == file.read_bytes()
    assert site.http.delete(site.url + path, timeout=30).status_code == 204
    return seconds, sum(int(conflicts) for _, conflicts in said)


@pytest.mark.proof
@pytest.mark.alone
@pytest.mark.parametrize("chunk_size", [4 * MIB, SIZE], ids=["chunks", "one PATCH"])
def test_two_clients_fight_over_one_upload(plain_site: Site, file: Path, chunk_size: int) -> None:
    """The takeover rule: HEAD and PATCH take over at once, so neither of them ever waits."""
    one = two = math.inf  # each in the quietest moment that it met, for which more rounds may come
    conflicts = rounds = 0
    while rounds < ROUNDS or (two >= 2 * one and rounds < MOST_ROUNDS):
        one = min(one, upload(plain_site, file, 1, chunk_size)[0])
        seconds, more = upload(plain_site, file, 2, chunk_size)
        two, conflicts, rounds = min(two, seconds), conflicts + more, rounds + 1
    print(
        f"\n{SIZE // MIB} MiB in pieces of {chunk_size // MIB} MiB: one client {one:.2f} s, "
        f"two {two:.2f} s, {two / one:.2f} times; {conflicts} conflicts in {rounds} fights"
    )
    assert two < 2 * one
    assert conflicts

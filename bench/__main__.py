"""`python -m bench`: measures this server, its peers and the machine's own limit side by side.

`python -m bench speech` compares the speech engine with the bare libraries (bench.speech).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from bench.driver import run_round
from bench.figures import Figures
from bench.machine import facts
from bench.measure import Run
from bench.payload import make_source
from bench.peers.install import install
from bench.plan import FULL, MODES, NAMES, QUICK, Case, cases
from bench.plot import plot
from bench.report import report
from bench.servers import ROOT, candidates
from bench.speech.__main__ import main as speech

BUILD = ROOT / ".build" / "bench"
RESULTS = ROOT / "bench" / "results"
OPEN_FILES = 8192  # a thousand clients need them, in the servers and in the load


def arguments() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--modes", default=",".join(MODES), help=f"some of {','.join(MODES)}")
    parser.add_argument("--only", default=",".join(NAMES), help=f"some of {','.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=0, help="default: 3; with --quick: 1")
    parser.add_argument("--quick", action="store_true", help="small and short, to try it out")
    parser.add_argument(
        "--out",
        type=Path,
        help="directory of the results; default: bench/results for a whole run, else .build/bench",
    )
    asked = parser.parse_args()
    for name, known in (("modes", MODES), ("only", NAMES)):
        values = [value for value in getattr(asked, name).split(",") if value]
        if not values or not set(values) <= set(known):
            parser.error(f"--{name}: some of {','.join(known)}")
        setattr(asked, name, values)
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    whole = not asked.quick and set(asked.modes) == set(MODES) and set(asked.only) == set(NAMES)
    asked.out = asked.out or (RESULTS if whole else BUILD / "results")
    return asked


def raise_open_files() -> int:
    """Allows enough open files for servers and load; returns how many."""
    if os.name != "posix":
        return 0
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        soft = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def write_results(
    place: Path, machine: dict[str, Any], chosen: list[Case], runs: list[dict[str, Any]]
) -> str:
    """Writes table, raw data and drawing; returns the table."""
    place.mkdir(parents=True, exist_ok=True)
    text = report(machine, chosen, runs)
    lines = ",\n  ".join(json.dumps(run) for run in runs)
    raw = f'{{"machine": {json.dumps(machine, indent=1)},\n "runs": [\n  {lines}\n]}}\n'
    (place / "latest.md").write_text(text)
    (place / "latest.json").write_text(raw)
    (place / "latest.svg").write_text(plot(machine, Figures(chosen, runs)))
    return text


def main() -> int:
    """Measures and reports."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    scale = QUICK if asked.quick else FULL
    work = BUILD / f"run-{os.getpid()}"
    peers = install(BUILD / "peers", set(asked.only))
    machine = facts(peers.versions)
    machine |= {"quick": asked.quick, "open_files": raise_open_files()}
    machine |= {"missing": peers.missing}
    chosen = cases(scale, asked.modes)
    work.mkdir(parents=True)
    source = make_source()
    runs: list[dict[str, Any]] = []
    try:
        servers = candidates(work, peers, asked.only)
        for number in range(1, asked.rounds + 1):
            runs += run_round(Run(scale, source), servers, chosen, number)
            # After each round: a run that is stopped early also has results.
            text = write_results(asked.out, {**machine, "rounds": number}, chosen, runs)
    finally:
        source.unlink()
        shutil.rmtree(work, ignore_errors=True)
    print(f"\n{text}\nwritten to {asked.out}")
    return int(any(run["server"] == "ours" and run.get("problem") for run in runs))


if __name__ == "__main__":
    if sys.argv[1:2] == ["speech"]:
        sys.exit(speech(sys.argv[2:]))
    sys.exit(main())

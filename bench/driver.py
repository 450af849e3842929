"""Rounds: every candidate in every round, one after the other, so that machine conditions are
equal."""

from __future__ import annotations

import time
from typing import Any

from bench.load.bulk import LoadFailed
from bench.measure import LoadProblem, Run, measure
from bench.plan import Case, groups
from bench.processes import wait_until_idle
from bench.servers import Server
from bench.stored import NotStored

PROBLEMS = (LoadFailed, LoadProblem, NotStored, RuntimeError, OSError)


def run_round(
    run: Run, servers: list[Server], chosen: list[Case], number: int
) -> list[dict[str, Any]]:
    """All cases on all servers, once.

    Returns:
        One entry per case and server; `problem` says what failed.
    """
    seen: list[dict[str, Any]] = []
    for group in groups(chosen):
        for server in servers:
            wanted = [case for case in group if server.name != "limit" or case.with_limit]
            if wanted:
                seen += run_group(run, server, wanted, number)
    return seen


def run_group(run: Run, server: Server, group: list[Case], number: int) -> list[dict[str, Any]]:
    """Some cases on one server, started for them and stopped after them."""
    seen: list[dict[str, Any]] = []
    try:
        server.start()
        wait_until_idle(server.pid, run.scale.settle)
        for case in group:
            for turn in range(case.in_a_row):
                seen.append(run_case(run, server, case, number, turn))
    except (RuntimeError, OSError) as problem:
        print(f"!! {server.name}: {problem}", flush=True)
        measured = {figures["case"] for figures in seen}
        for case in group:
            if case.name not in measured:
                seen.append(entry(server, case, number, {"problem": str(problem)[-500:]}))
    finally:
        server.stop()
    return seen


def run_case(run: Run, server: Server, case: Case, number: int, turn: int) -> dict[str, Any]:
    """One case; failures are recorded, and the rest continues."""
    started = time.monotonic()
    try:
        figures = measure(run, server, case, first=turn == 0, thorough=number == 1 and turn == 0)
    except PROBLEMS as problem:
        figures = {"problem": f"{type(problem).__name__}: {problem}"}
    seconds = time.monotonic() - started
    outcome = figures.get("problem") or (
        f"{figures['wall']:.2f} s, CPU {figures['cpu']:.2f} s"
        + (f", {figures['errors']} ERRORS" if figures.get("errors") else "")
    )
    print(
        f"round {number} {case.name:15} {server.name:12} {outcome}  [{seconds:.0f} s]", flush=True
    )
    return entry(server, case, number, figures)


def entry(server: Server, case: Case, number: int, figures: dict[str, Any]) -> dict[str, Any]:
    """One line of the raw data."""
    return {"round": number, "case": case.name, "server": server.name, **figures}

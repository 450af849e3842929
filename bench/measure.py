"""One case on one running server: warm up, measure, check what was stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.load.small import BODY
from bench.payload import digest_expected
from bench.plan import Case, Scale
from bench.processes import Sampler, back_memory, cpu_seconds, wait_until_idle
from bench.servers import ROOT, Server
from bench.stored import check_long, check_short

LOAD_SECONDS = 600
RUSH = 3.0  # seconds after the crowd's start until all are connected, and the fast client starts
FAST_UPLOADS = 3


class LoadProblem(Exception):
    """A load failed; the message says why."""


@dataclass(frozen=True)
class Run:
    """Shared by all runs."""

    scale: Scale
    source: Path


def measure(run: Run, server: Server, case: Case, first: bool, thorough: bool) -> dict[str, Any]:
    """Puts a case's load on a server.

    Args:
        run: Scale and source of bytes.
        server: It is running.
        case: What to do.
        first: Whether this case was not just measured: warm up, and wait until all is quiet.
        thorough: Compare checksums, not only sizes.

    Returns:
        The results: figures of the load; `cpu`, `other_cpu` and `load_cpu` in seconds; memory in
        bytes; the machine's load average before.
    """
    if case.warm_up and first:
        warm = start_load(run, server, case.kind, {**case.load, **case.warm_up})
        check(run, server, Case("", case.mode, case.kind, {**case.load, **case.warm_up}), end(warm))
    if first:
        wait_until_idle(server.pid, run.scale.settle)
    alone = fast_alone(run, server, case) if case.kind == "crowd" else {}
    if case.kind == "bulk":
        back_memory(case.total)
    average = os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
    crowd = case.kind == "crowd"
    before, before_others = cpu_of(server)
    with Sampler(server.web_processes, 0.5 if crowd else 0.1, pss=crowd) as memory:
        if crowd:
            seen = rush(run, server, case)
        else:
            seen = end(start_load(run, server, case.kind, case.load))
    cpu, others = cpu_of(server)
    digest = None
    if thorough and case.kind == "bulk":
        digest = digest_expected(run.source, case.load["size"])
    check(run, server, case, seen, digest)
    seen.pop("places", None)
    return {
        **seen,
        **alone,
        "cpu": cpu - before,
        "other_cpu": others - before_others,
        "worker_peak": memory.worker_peak,
        "growth": memory.growth,
        "pss_peak": memory.pss_peak,
        "load_average": average,
        "checked": "checksum" if digest or case.kind != "bulk" else "size",
    }


def cpu_of(server: Server) -> tuple[float, float]:
    """CPU seconds so far: of the processes that serve, and of the server's other processes."""
    return cpu_seconds(server.web_processes()), cpu_seconds(server.other_processes())


def check(
    run: Run, server: Server, case: Case, seen: dict[str, Any], digest: str | None = None
) -> None:
    """Checks what the server stored, and removes it."""
    if case.kind == "bulk":
        check_long(server.directory, seen["places"], case.load["size"], digest)
    elif case.kind == "crowd":
        drip = drip_of(seen["size"])
        check_short(server.directory, server.aside, seen["size"], seen["served"], drip)
    elif case.mode == "small":
        check_short(server.directory, server.aside, len(BODY), seen["count"], BODY)


def drip_of(size: int) -> bytes:
    """What each slow client sends."""
    return b"drip.".ljust(size, b".")


def start_load(run: Run, server: Server, kind: str, load: dict[str, Any]) -> subprocess.Popen[str]:
    """Starts a load in a separate process."""
    target = {"port": server.target.port, "path": server.path, "key": server.key}
    target["source"] = str(run.source)
    return subprocess.Popen(
        [sys.executable, "-m", "bench.load", kind, json.dumps({**target, **load})],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(load: subprocess.Popen[str]) -> dict[str, Any]:
    """Waits for a load; returns its results.

    Raises:
        LoadProblem: It failed, or took too long.
    """
    try:
        output, problem = load.communicate(timeout=LOAD_SECONDS)
    except subprocess.TimeoutExpired:
        load.kill()
        load.communicate()
        raise LoadProblem(f"the load did not end within {LOAD_SECONDS} s") from None
    if load.returncode:
        raise LoadProblem(problem.strip().rpartition("\n")[2][-400:])
    seen: dict[str, Any] = json.loads(output)
    return seen


def fast_alone(run: Run, server: Server, case: Case) -> dict[str, Any]:
    """The fast client without other clients: MB a second."""
    fast = case.load["fast"]
    rates = [fast_upload(run, server, fast) for _ in range(FAST_UPLOADS)]
    wait_until_idle(server.pid, run.scale.settle)
    return {"fast_alone": median(rates)}


def fast_upload(run: Run, server: Server, fast: dict[str, Any]) -> float:
    """One upload of the fast client; returns MB a second."""
    seen = end(start_load(run, server, "bulk", fast))
    check_long(server.directory, seen["places"], fast["size"], None)
    return float(fast["size"] / 1e6 / seen["wall"])


def rush(run: Run, server: Server, case: Case) -> dict[str, Any]:
    """The slow clients and, among them, the fast client, several times if there is time."""
    crowd = {name: value for name, value in case.load.items() if name != "fast"}
    started = time.monotonic()
    load = start_load(run, server, "slow", crowd)
    rates: list[float] = []
    try:
        time.sleep(min(RUSH, crowd["ramp"] + crowd["seconds"] / 4))
        while len(rates) < FAST_UPLOADS and time.monotonic() - started < crowd["seconds"] * 0.8:
            rates.append(fast_upload(run, server, case.load["fast"]))
            time.sleep(0.5)
    finally:
        seen = end(load)
    return {**seen, "fast_beside": median(rates), "fast_uploads": len(rates)}

"""From raw runs to figures: medians over the rounds, in the units of the tables."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from bench.plan import GIB, MIB, Case

RunEntry = dict[str, Any]
TITLES = {
    "limit": "the machine's limit",
    "ours": "this server",
    "tus-node": "@tus/server",
    "tuspyserver": "tuspyserver",
}


class Figures:
    """What all rounds say together.

    Figures of one run are functions of its entry; here they become lists and medians.
    """

    def __init__(self, chosen: list[Case], runs: list[RunEntry]) -> None:
        self.cases = {case.name: case for case in chosen}
        self.runs = runs

    def good(self, case: str, server: str) -> list[RunEntry]:
        """The runs that came to their end."""
        return [run for run in self.of(case, server) if not run.get("problem")]

    def of(self, case: str, server: str) -> list[RunEntry]:
        """All runs of a case on a server."""
        return [run for run in self.runs if run["case"] == case and run["server"] == server]

    def problems(self) -> list[RunEntry]:
        """The runs that failed."""
        return [run for run in self.runs if run.get("problem")]

    def servers(self, case: str) -> list[str]:
        """Who took part in a case, in the order of a round."""
        return [name for name in TITLES if self.of(case, name)]

    def bytes_of(self, case: str) -> int:
        """Bytes that one run of a long case moves."""
        return self.cases[case].total

    def all(self, case: str, server: str, figure: str) -> list[float]:
        """A figure in every round; empty where there is none."""
        if case not in self.cases:
            return []
        compute = FIGURES[figure]
        return [compute(self, run) for run in self.good(case, server)]

    def median(self, case: str, server: str, figure: str) -> float | None:
        """A figure's median; None where it was not measured."""
        values = self.all(case, server, figure)
        return median(values) if values else None

    def ratio(self, figure: str, one: tuple[str, str], other: tuple[str, str]) -> float | None:
        """One median divided by another; both named by case and server."""
        above, below = self.median(*one, figure), self.median(*other, figure)
        return above / below if above is not None and below else None


FIGURES: dict[str, Callable[[Figures, RunEntry], float]] = {
    "cpu_gib": lambda all_, run: run["cpu"] / (all_.bytes_of(run["case"]) / GIB),
    "mb_s": lambda all_, run: all_.bytes_of(run["case"]) / 1e6 / run["wall"],
    "load_cpu": lambda _, run: run["load_cpu"],
    "other_cpu": lambda _, run: run["other_cpu"],
    "cpu": lambda _, run: run["cpu"],
    "rate": lambda _, run: run["count"] / run["wall"],
    "cpu_request": lambda _, run: 1000 * run["cpu"] / max(run["requests"], 1),
    "load_request": lambda _, run: 1000 * run["load_cpu"] / max(run["requests"], 1),
    "p50": lambda _, run: last_latency(run)["p50"],
    "p99": lambda _, run: last_latency(run)["p99"],
    "errors": lambda _, run: run["errors"],
    "end_ms": lambda _, run: 1000 * median(run["end_seconds"]),
    "worker_mib": lambda _, run: run["worker_peak"] / MIB,
    "growth_mib": lambda _, run: run["growth"] / MIB,
    "pss_mib": lambda _, run: run["pss_peak"] / MIB,
    "served": lambda _, run: run["served"],
    "in_time": lambda _, run: run["in_time"],
    "fast_alone": lambda _, run: run["fast_alone"],
    "fast_beside": lambda _, run: run["fast_beside"],
    "fast_share": lambda _, run: run["fast_beside"] / run["fast_alone"],
    "post_p99": lambda _, run: run["post"].get("p99", float("nan")),
    "answer_p99": lambda _, run: run["answer"].get("p99", float("nan")),
}


def last_latency(run: RunEntry) -> dict[str, float]:
    """The latencies of the request that matters most: PATCH where there is one."""
    latency = run["latency"]
    found: dict[str, float] = latency.get("PATCH") or next(iter(latency.values()))
    return found

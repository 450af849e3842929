"""The bars that this server has to pass, each with what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import Figures

NODE, PYTHON = "tus-node", "tuspyserver"


@dataclass(frozen=True)
class Verdict:
    """One bar.

    Attributes:
        bar: What is asked.
        seen: What was measured, in words.
        met: Whether it is enough; None where something was not measured.
    """

    bar: str
    seen: str
    met: bool | None

    @property
    def word(self) -> str:
        """For the table."""
        return {True: "met", False: "**not met**", None: "not measured"}[self.met]


def at_most(bar: str, value: float | None, limit: float, unit: str) -> Verdict:
    """A bar from above."""
    return compare(bar, value, limit, unit, "≤", value is not None and value <= limit)


def at_least(bar: str, value: float | None, limit: float, unit: str) -> Verdict:
    """A bar from below."""
    return compare(bar, value, limit, unit, "≥", value is not None and value >= limit)


def compare(
    bar: str, value: float | None, limit: float, unit: str, sign: str, met: bool
) -> Verdict:
    """The verdict in words."""
    if value is None:
        return Verdict(bar, "–", None)
    return Verdict(bar, f"{value:.4g}{unit} (bar: {sign} {limit:g}{unit})", met)


def verdicts(figures: Figures, modes: set[str]) -> list[Verdict]:
    """All bars of the modes that were measured."""
    by_mode = {"bulk": bulk, "slow": slow, "small": small, "head": head, "big": big}
    return [verdict for mode, rate in by_mode.items() if mode in modes for verdict in rate(figures)]


def bulk(figures: Figures) -> Iterator[Verdict]:
    """CPU and speed of long uploads."""
    one, small_chunks = "bulk-one-patch", "bulk-5-mib"
    cost = figures.ratio("cpu_gib", (one, "ours"), (one, "limit"))
    yield at_most("bulk: CPU a GiB, compared with the machine's limit", cost, 1.3, " ×")
    chunked = figures.ratio("cpu_gib", (small_chunks, "ours"), (one, "ours"))
    yield at_most("5 MiB chunks: CPU a GiB, compared with one PATCH", chunked, 1.3, " ×")
    for peer, title in ((PYTHON, "tuspyserver"), (NODE, "@tus/server")):
        speed = figures.ratio("mb_s", (one, "ours"), (one, peer))
        yield at_least(f"bulk: MB a second, compared with {title}", speed, 3, " ×")


def slow(figures: Figures) -> Iterator[Verdict]:
    """A crowd of slow clients, and one fast client among them."""
    clients = figures.cases["slow"].load["clients"]
    in_time = min(figures.all("slow", "ours", "in_time"), default=None)
    errors = max(figures.all("slow", "ours", "errors"), default=None)
    yield at_least("slow clients in time (worst round)", in_time, clients, "")
    yield at_most("slow clients: errors (worst round)", errors, 0, "")
    share = figures.median("slow", "ours", "fast_share")
    yield at_least("fast client among them, compared with it alone", share, 0.5, " ×")
    memory = figures.median("slow", "ours", "pss_mib")
    yield at_most("memory of all web processes meanwhile (PSS)", memory, 350, " MiB")


def small(figures: Figures) -> Iterator[Verdict]:
    """Uploads of 1 KiB."""
    case = "post-patch-16"
    node = figures.ratio("rate", (case, "ours"), (case, NODE))
    yield at_least("small uploads a second, compared with @tus/server", node, 1, " ×")
    python = figures.ratio("rate", (case, "ours"), (case, PYTHON))
    yield at_least("small uploads a second, compared with tuspyserver", python, 4, " ×")
    cost = figures.ratio("cpu_request", (case, "ours"), (case, NODE))
    yield at_most("small uploads: CPU a request, compared with @tus/server", cost, 0.9, " ×")


def head(figures: Figures) -> Iterator[Verdict]:
    """Resuming."""
    rate = figures.ratio("rate", ("head-16", "ours"), ("head-16", NODE))
    yield at_least("HEAD a second, compared with @tus/server", rate, 0.7, " ×")


def big(figures: Figures) -> Iterator[Verdict]:
    """A huge upload: its end, and memory while it streams."""
    yield at_most(
        "a worker while a huge upload streams (RSS)",
        figures.median("end-big", "ours", "worker_mib"),
        100,
        " MiB",
    )
    yield at_most(
        "its growth meanwhile (flat)", figures.median("end-big", "ours", "growth_mib"), 4, " MiB"
    )
    ends = [figures.median(case, "ours", "end_ms") for case in ("end-big", "end-1-mib")]
    more = None if ends[0] is None or ends[1] is None else ends[0] - ends[1]
    yield at_most("last byte to answer: huge upload against 1 MiB", more, 50, " ms more")

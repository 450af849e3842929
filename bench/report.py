"""The tables, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.figures import TITLES, Figures, RunEntry
from bench.plan import GIB, Case
from bench.verdicts import verdicts

BULK = {
    "bulk-one-patch": "one PATCH",
    "bulk-50-mib": "50 MiB chunks",
    "bulk-5-mib": "5 MiB chunks",
    "bulk-4-at-once": "4 uploads at once",
}
SHORT = {
    "post-patch-1": "POST + PATCH of 1 KiB, 1 connection",
    "post-patch-16": "POST + PATCH of 1 KiB, 16 connections",
    "with-upload-1": "POST with 1 KiB, 1 connection",
    "with-upload-16": "POST with 1 KiB, 16 connections",
    "head-16": "HEAD, 16 connections",
}
METHOD = (
    "Server CPU is user and system time of the processes that serve HTTP, without load generator "
    "and queue workers. Every candidate runs in every round, restarted with an empty directory; "
    "figures are medians over the rounds. Nothing is synced to the disk. Every run checks what was "
    "stored: sizes always, checksums of long uploads in the first round. Small files stay until "
    "the end, because on ext4 creating files is slow for five minutes after others were removed: "
    "wait that long between two runs. Compare CPU first: wall clock time depends on other users "
    "of the machine."
)


def report(machine: dict[str, Any], chosen: list[Case], runs: list[RunEntry]) -> str:
    """The whole report."""
    figures = Figures(chosen, runs)
    modes = {case.mode for case in chosen}
    parts = [heading(machine)]
    parts.append(table(["bar", "measured", ""], bars(figures, modes), left=3))
    if "bulk" in modes:
        parts += [bulk_title(figures), table(BULK_HEAD, bulk_rows(figures), left=2)]
    if "big" in modes:
        size = figures.cases["end-big"].load["size"] // GIB
        parts += [f"## One upload of {size} GiB", table(BIG_HEAD, big_rows(figures))]
    if modes & {"small", "head"}:
        parts += ["## Small requests", table(SHORT_HEAD, short_rows(figures), left=2)]
    if "slow" in modes:
        parts += [slow_title(figures), table(SLOW_HEAD, slow_rows(figures))]
    if figures.problems():
        parts += ["## What failed", problems(figures)]
    return "\n\n".join(parts) + "\n"


def heading(machine: dict[str, Any]) -> str:
    """Date, machine and versions."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    missing = "".join(
        f"\n\n**{TITLES[name]} IS MISSING: it could not be installed.** {reason}"
        for name, reason in machine["missing"].items()
    )
    quick = "\n\n**Quick run: to try the suite out, not to compare.**" if machine["quick"] else ""
    settings = ", ".join(
        ["UPLOADS_ACCEPT=any", "LIGHT_WORKERS=1"]
        + [f"**{name}={value}**" for name, value in machine["settings"].items()]
    )
    return (
        f"# Measured side by side\n\n{machine['date']}, rounds: {machine['rounds']}. "
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}; load average at the start {machine['load_average']:.1f}; "
        f"{machine['open_files']} open files a process.\n\n"
        f"This server: {settings}, all else default. Python {machine['python']}, {versions}.\n\n"
        f"{METHOD}{quick}{missing}"
    )


def bars(figures: Figures, modes: set[str]) -> Iterable[list[str]]:
    """A line a bar."""
    for verdict in verdicts(figures, modes):
        yield [verdict.bar, verdict.seen, verdict.word]


BULK_HEAD = [
    "case",
    "server",
    "CPU s/GiB",
    "range",
    "× limit",
    "MB/s",
    "best",
    "RSS MiB",
    "load CPU s",
]
BIG_HEAD = [
    "server",
    "MB/s",
    "CPU s/GiB",
    "RSS MiB",
    "growth MiB",
    "last byte to answer ms",
    "same, 1 MiB",
]
SHORT_HEAD = [
    "case",
    "server",
    "a second",
    "best",
    "p50 ms",
    "p99 ms",
    "CPU ms/request",
    "load ms/request",
    "queue CPU s",
    "errors",
]
SLOW_HEAD = [
    "server",
    "served",
    "in time",
    "errors",
    "POST p99 ms",
    "last byte to answer p99 ms",
    "fast MB/s",
    "alone",
    "CPU s",
    "PSS MiB",
]


def bulk_title(figures: Figures) -> str:
    """Says how much was sent."""
    size = figures.bytes_of("bulk-one-patch") / GIB
    return f"## Bulk: {size:g} GiB"


def bulk_rows(figures: Figures) -> Iterable[list[str]]:
    """Long uploads."""
    for case, title in BULK.items():
        for server in figures.servers(case):
            cost = figures.all(case, server, "cpu_gib")
            speed = figures.all(case, server, "mb_s")
            yield [
                title,
                TITLES[server],
                number(figures.median(case, server, "cpu_gib"), 2),
                f"{min(cost):.2f}–{max(cost):.2f}" if cost else "–",
                number(figures.ratio("cpu_gib", (case, server), (case, "limit")), 2),
                number(figures.median(case, server, "mb_s"), 0),
                number(max(speed, default=None), 0),
                number(figures.median(case, server, "worker_mib"), 0),
                number(figures.median(case, server, "load_cpu"), 2),
            ]


def big_rows(figures: Figures) -> Iterable[list[str]]:
    """One huge upload."""
    for server in figures.servers("end-big"):
        names = (("mb_s", 0), ("cpu_gib", 2), ("worker_mib", 0), ("growth_mib", 1), ("end_ms", 1))
        yield [
            TITLES[server],
            *(number(figures.median("end-big", server, name), digits) for name, digits in names),
            number(figures.median("end-1-mib", server, "end_ms"), 1),
        ]


def short_rows(figures: Figures) -> Iterable[list[str]]:
    """Many small requests."""
    for case, title in SHORT.items():
        for server in figures.servers(case):
            names = (("p50", 1), ("p99", 1), ("cpu_request", 2), ("load_request", 2))
            yield [
                title,
                TITLES[server],
                number(figures.median(case, server, "rate"), 0),
                number(max(figures.all(case, server, "rate"), default=None), 0),
                *(number(figures.median(case, server, name), digits) for name, digits in names),
                number(figures.median(case, server, "other_cpu"), 1) if server == "ours" else "",
                number(sum(figures.all(case, server, "errors")), 0),
            ]


def slow_title(figures: Figures) -> str:
    """Says how large the crowd is."""
    load = figures.cases["slow"].load
    pause = f"{1000 * load['every']:g} ms for {load['seconds']:g} s"
    slack = load["seconds"] + load["slack"]
    return (
        f"## {load['clients']} slow clients, 1 KiB every {pause}, and one fast client\n\n"
        f"The fast one uploads {load['fast']['size'] >> 20} MiB in "
        f"{load['fast']['chunk'] >> 20} MiB chunks. In time: done within {slack:g} s."
    )


def slow_rows(figures: Figures) -> Iterable[list[str]]:
    """The crowd."""
    for server in figures.servers("slow"):
        names = ("served", "in_time", "errors", "post_p99", "answer_p99", "fast_beside")
        yield [
            TITLES[server],
            *(number(figures.median("slow", server, name), 0) for name in names),
            number(figures.median("slow", server, "fast_alone"), 0),
            number(figures.median("slow", server, "cpu"), 1),
            number(figures.median("slow", server, "pss_mib"), 0),
        ]


def problems(figures: Figures) -> str:
    """What did not come to its end."""
    return "\n".join(
        f"- {TITLES[run['server']]}, {run['case']}, round {run['round']}: `{run['problem']}`"
        for run in figures.problems()
    )


def number(value: float | None, digits: int) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; all but the first columns are numbers."""
    marks = ["---" if place < left else "--:" for place in range(len(head))]
    lines = [head, marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

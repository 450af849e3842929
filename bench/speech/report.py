"""The speech table, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from bench.plan import MIB
from bench.report import number, table
from bench.speech.recordings import TITLES
from bench.verdicts import Verdict, at_most

Entry = dict[str, Any]
NAMES = {
    "ours": "this site",
    "alone": "its engine alone, sound decoded",
    "sequential": "faster-whisper, sequential",
    "batched": "faster-whisper, batches of 8",
    "timed": "the same, with time stamps",
    "whisperx": "WhisperX",
}
HEAD = ["speech", "", "× real time", "seconds", "CPU s", "PSS MiB", "word errors"]
MORE_ERRORS = 0.005
LESS_TIME = {"clean": 0.6, "conversation": 0.4}
PIPELINE = 1.05
LONG = 3600
"""Seconds of a recording from which on the cost of the pipeline is judged."""
METHOD = (
    "Every contestant runs in every round, in a process of its own; its model is loaded and it "
    "has transcribed eleven seconds before the clock starts; then it reads the file and gives "
    "segments with word times (WhisperX: without). Figures are medians over the rounds. CPU and "
    "memory (PSS) are those of the process and its children. Word errors are those per true word: "
    'lower case, punctuation and hyphens as blanks, "um" and "uh" left out, numbers to twelve as '
    'words, one spelling of "alright" and "thyself". Compare CPU first: wall clock time depends on '
    "other users of the machine."
)
FIGURES: dict[str, Callable[[Entry], float]] = {
    "speed": lambda run: run["audio_seconds"] / run["seconds"],
    "seconds": lambda run: run["seconds"],
    "cpu": lambda run: run["cpu"],
    "pss_mib": lambda run: run["pss_peak"] / MIB,
    "error_rate": lambda run: run["error_rate"],
}


class SpeechFigures:
    """What all rounds say together."""

    def __init__(self, runs: list[Entry]) -> None:
        self.runs = runs
        self.recordings = list(dict.fromkeys(run["recording"] for run in runs))
        self.contestants = [name for name in NAMES if any(run["name"] == name for run in runs)]

    def median(self, recording: str, name: str, figure: str) -> float | None:
        good = [run for run in self.of(recording, name) if "problem" not in run]
        return median(map(FIGURES[figure], good)) if good else None

    def of(self, recording: str, name: str) -> list[Entry]:
        return [run for run in self.runs if (run["recording"], run["name"]) == (recording, name)]


def speech_report(machine: Entry, runs: list[Entry]) -> str:
    """The whole report."""
    figures = SpeechFigures(runs)
    parts = [heading(machine), table(HEAD, rows(figures), left=2)]
    parts.append(table(["aim", "measured", ""], aims(figures), left=3))
    problems = [
        f"- {NAMES[run['name']]}, {TITLES[run['recording']]}, round {run['round']}: "
        f"`{run['problem']}`"
        for run in runs
        if "problem" in run
    ]
    if problems:
        parts += ["## What failed", "\n".join(problems)]
    return "\n\n".join(parts) + "\n"


def heading(machine: Entry) -> str:
    """Date, machine, model and method."""
    missing = "".join(f" {NAMES[name]} is not installed." for name in machine["missing"])
    return (
        f"# Speech, side by side\n\n{machine['date']}, rounds: {machine['rounds']}, "
        f"{machine['minutes']:g} minutes. {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; load average at the start "
        f"{machine['load_average']:.1f}. Model {machine['model']}, {machine['compute_type']}, "
        f"{machine['threads']} threads; faster-whisper {machine['library']}, Python "
        f"{machine['python']}.{missing}\n\n{METHOD}"
    )


def rows(figures: SpeechFigures) -> Iterator[list[str]]:
    """A line a contestant and recording."""
    digits = {"speed": 1, "seconds": 1, "cpu": 1, "pss_mib": 0, "error_rate": 3}
    for recording in figures.recordings:
        for name in figures.contestants:
            values = (
                (figures.median(recording, name, key), places) for key, places in digits.items()
            )
            yield [TITLES[recording], NAMES[name], *(number(*value) for value in values)]


def aims(figures: SpeechFigures) -> Iterator[list[str]]:
    """A line an aim."""
    for recording in figures.recordings:
        for verdict in verdicts(figures, recording):
            yield [f"{TITLES[recording]}: {verdict.bar}", verdict.seen, verdict.word]


def verdicts(figures: SpeechFigures, recording: str) -> Iterator[Verdict]:
    """What this site's engine has to reach, compared with the library's sequential decoding."""

    def ours(figure: str, other: str) -> tuple[float | None, float | None]:
        one, another = (figures.median(recording, name, figure) for name in ("ours", other))
        return one, another

    more = difference(*ours("error_rate", "sequential"))
    yield at_most("word errors more than sequential", more, MORE_ERRORS, "")
    share = ratio(*ours("seconds", "sequential"))
    yield at_most("seconds, compared with sequential", share, LESS_TIME[recording], " ×")
    if any(run.get("audio_seconds", 0) >= LONG for run in figures.of(recording, "ours")):
        cost = ratio(*ours("seconds", "alone"))
        yield at_most("seconds, compared with its engine alone", cost, PIPELINE, " ×")


def difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other

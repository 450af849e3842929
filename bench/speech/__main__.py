"""`python -m bench speech`: this site's engine beside the bare libraries, on real speech."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.machine import facts
from bench.servers import ROOT
from bench.speech.archives import FetchError
from bench.speech.clips import Sound, fetch_sounds, load_manifest, write_wave
from bench.speech.contestant import CONTESTANTS
from bench.speech.measure import Setup, interpreter, run
from bench.speech.recordings import MIXES, Recording, make_recording
from bench.speech.report import speech_report
from transcription.engines.model_files import built_in

BUILD = ROOT / ".build" / "bench" / "speech"
RESULTS = ROOT / "bench" / "results"
ENOUGH = 3
"""Rounds from which on figures are worth keeping."""
WARM_UP = "kennedy"
"""The clip that each contestant transcribes first, unmeasured."""


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m bench speech", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="length of each recording")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recordings", default=",".join(MIXES), help=f"some of {','.join(MIXES)}")
    parser.add_argument(
        "--only", default=",".join(CONTESTANTS), help=f"some of {','.join(CONTESTANTS)}"
    )
    parser.add_argument("--model", type=Path, help="a folder; default: the built-in tiny.en")
    parser.add_argument("--compute-type", default="int8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--out",
        type=Path,
        help=f"directory of the results; default: bench/results for a whole run of at least "
        f"{ENOUGH} rounds, else .build/bench/speech/results",
    )
    asked = parser.parse_args(given)
    for name, known in (("recordings", MIXES), ("only", CONTESTANTS)):
        values = [value for value in getattr(asked, name).split(",") if value]
        if not values or not set(values) <= set(known):
            parser.error(f"--{name}: some of {','.join(known)}")
        setattr(asked, name, values)
    whole = set(asked.recordings) == set(MIXES) and set(asked.only) == set(CONTESTANTS)
    whole = whole and asked.rounds >= ENOUGH and not asked.model
    asked.out = asked.out or (RESULTS if whole else BUILD / "results")
    asked.model = asked.model or built_in.folder(BUILD)
    if asked.model is None:
        parser.error(f"The built-in model can't be used: {built_in.problem(BUILD)}.")
    return asked


def measure(asked: argparse.Namespace, sounds: list[Sound], work: Path) -> int:
    """All rounds; results are written after each, so that one that is stopped has some, too."""
    warm_up = work / "warm-up.wav"
    write_wave(warm_up, next(one.samples for one in sounds if one.clip.name == WARM_UP))
    recordings = [make_recording(name, sounds, asked.minutes, work) for name in asked.recordings]
    machine = about(asked)
    setup = Setup(str(asked.model), asked.compute_type, asked.threads)
    runs: list[dict[str, Any]] = []
    for number in range(1, asked.rounds + 1):
        for recording in recordings:
            for name in present(asked.only):
                made = run(name, recording, warm_up, setup)
                show(number, name, recording, made)
                keep_text(BUILD / "texts", name, recording, made)
                runs.append({"round": number, "name": name, "recording": recording.name, **made})
        text = write_results(asked.out, {**machine, "rounds": number}, runs)
    print(f"\n{text}\nwritten to {asked.out}")
    return int(any(run["name"] == "ours" and "problem" in run for run in runs))


def present(names: list[str]) -> list[str]:
    """Those whose packages are installed."""
    return [name for name in names if interpreter(name)]


def about(asked: argparse.Namespace) -> dict[str, Any]:
    """What the figures were measured on and with."""
    model = built_in.NAME if asked.model == built_in.folder(BUILD) else asked.model.name
    return {
        **facts({}),
        "minutes": asked.minutes,
        "model": model,
        "compute_type": asked.compute_type,
        "threads": asked.threads,
        "library": version("faster-whisper"),
        "missing": [name for name in asked.only if not interpreter(name)],
    }


def show(number: int, name: str, recording: Recording, made: dict[str, Any]) -> None:
    """A line about a run, as soon as it is done."""
    said = made.get("problem") or (
        f"{made['seconds']:.1f} s, CPU {made['cpu']:.1f} s, word errors {made['error_rate']:.4f}"
    )
    print(f"round {number}, {recording.name}, {name}: {said}", flush=True)


def keep_text(place: Path, name: str, recording: Recording, made: dict[str, Any]) -> None:
    """What was heard, and what was said, to be compared by eye; not among the figures."""
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{recording.name}.txt").write_text(recording.text + "\n")
    (place / f"{recording.name}-{name}.txt").write_text(made.pop("text", "") + "\n")


def write_results(place: Path, machine: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """Writes table and raw data, by the length of the recordings; returns the table."""
    place.mkdir(parents=True, exist_ok=True)
    name = f"speech-{machine['minutes']:g}"
    text = speech_report(machine, runs)
    lines = ",\n  ".join(json.dumps(run) for run in runs)
    raw = f'{{"machine": {json.dumps(machine, indent=1)},\n "runs": [\n  {lines}\n]}}\n'
    (place / f"{name}.md").write_text(text)
    (place / f"{name}.json").write_text(raw)
    return text


def main(given: list[str]) -> int:
    """Measures and reports."""
    asked = arguments(given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that contestants are ended
    work = BUILD / f"run-{os.getpid()}"
    try:
        sounds = fetch_sounds(load_manifest(), BUILD)
        return measure(asked, sounds, work)
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

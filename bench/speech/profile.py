"""`python -m bench.speech.profile`: where this site's engine and the bare library spend their time.

Both run in this process, on the same recording and the same model; what they call of the library
is timed. Ours takes one batch at a time for this, so that its parts don't overlap; then once more
as a job does it, where only the whole is timed.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.report import number, table
from bench.speech.__main__ import BUILD, WARM_UP
from bench.speech.clips import fetch_sounds, load_manifest, write_wave
from bench.speech.contestant import CONTESTANTS
from bench.speech.recordings import MIXES, TITLES, make_recording
from transcription.engines.faster_whisper import loaded_model
from transcription.engines.model_files import built_in

COMPARED = ("alone", "sequential", "batched")
FUNCTIONS = {
    "faster_whisper.transcribe:get_speech_timestamps": "where someone speaks",
    "transcription.engines.chunks.voice:_speech": "where someone speaks",
    "faster_whisper.transcribe:FeatureExtractor.__call__": "spectrum",
    "faster_whisper.transcribe:WhisperModel.encode": "encoder",
}
OF_THE_MODEL = {"generate": "decoder", "align": "word times"}
PARTS = ("where someone speaks", "spectrum", "encoder", "decoder", "word times")
HEAD = ["", "part", "calls", "items", "seconds", "CPU s"]


@dataclass
class Part:
    """What one part of the work took.

    Attributes:
        items: Windows of 30 seconds that went through it; a call may take several.
    """

    calls: int = 0
    items: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


class Profile:
    """Times calls, by part."""

    def __init__(self) -> None:
        self.begin()

    @contextmanager
    def timing(self, part: str, items: int = 1) -> Iterator[None]:
        found = self.parts[part]
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        found.seconds += time.perf_counter() - wall
        found.cpu += time.process_time() - cpu
        found.calls += 1
        found.items += items

    def begin(self) -> None:
        """Forgets what it has seen."""
        self.parts = {name: Part() for name in PARTS}

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            windows = [len(one) for one in given if getattr(one, "ndim", 0) == 3]
            with self.timing(part, sum(windows) or 1):
                return function(*given, **named)

        return call


class TimedModel:
    """The library's model, two methods of which are timed."""

    def __init__(self, model: Any, profile: Profile) -> None:
        self._model, self._profile = model, profile

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if name not in OF_THE_MODEL:
            return found
        return self._profile.timed(OF_THE_MODEL[name], found)


def watch(profile: Profile) -> None:
    """From now on the profile sees what is called in this process."""
    for place, part in FUNCTIONS.items():
        module, _, name = place.partition(":")
        holder: Any = importlib.import_module(module)
        *owners, last = name.split(".")
        for owner in owners:
            holder = getattr(holder, owner)
        setattr(holder, last, profile.timed(part, getattr(holder, last)))
    whisper = importlib.import_module("faster_whisper.transcribe").WhisperModel
    begin = whisper.__init__

    def began(self: Any, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        self.model = TimedModel(self.model, profile)

    whisper.__init__ = began


def rows(name: str, profile: Profile, seconds: float, cpu: float) -> Iterator[list[str]]:
    """The lines of a contestant: each part and the rest."""
    parts = [*profile.parts.items()]
    rest = Part(
        seconds=seconds - sum(part.seconds for _, part in parts),
        cpu=cpu - sum(part.cpu for _, part in parts),
    )
    for title, part in (*parts, ("the rest", rest)):
        counts = [str(part.calls or ""), str(part.items or "")]
        yield [name, title, *counts, number(part.seconds, 1), number(part.cpu, 1)]


def total(name: str, seconds: float, cpu: float) -> list[str]:
    """The line for all of a contestant's work."""
    return [name, "all", "", "", number(seconds, 1), number(cpu, 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--recording", choices=MIXES, default="clean")
    parser.add_argument("--compute-type", default="int8")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    work = BUILD / "profile"
    try:
        sounds = fetch_sounds(load_manifest(), BUILD)
        warm_up = work / "warm-up.wav"
        write_wave(warm_up, next(one.samples for one in sounds if one.clip.name == WARM_UP))
        recording = make_recording(asked.recording, sounds, asked.minutes, work)
        profile = Profile()
        lines: list[list[str]] = []
        watch(profile)
        for name, workers in (
            *((name, 1) for name in COMPARED),
            ("alone", loaded_model.CPU_WORKERS),
        ):
            loaded_model.CPU_WORKERS = workers
            model = str(built_in.folder(BUILD))
            transcribe = CONTESTANTS[name](model, asked.compute_type, asked.threads)
            list(transcribe(str(warm_up)))
            profile.begin()
            wall, cpu = time.perf_counter(), time.process_time()
            list(transcribe(str(recording.path)))
            spent = time.perf_counter() - wall, time.process_time() - cpu
            if workers == 1:
                lines += rows(name, profile, *spent)
            title = name if workers == 1 else f"{name}, {workers} batches at a time"
            lines.append(total(title, *spent))
        print(f"{asked.minutes:g} minutes, {TITLES[asked.recording]}\n")
        print(table(HEAD, lines, left=2))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

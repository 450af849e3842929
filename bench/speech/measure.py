"""One run of a contestant: time, processor, memory and errors."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from bench.processes import cpu_seconds, process_tree, pss_of
from bench.servers import ROOT
from bench.speech.recordings import Recording
from bench.speech.words import word_error_rate

SAMPLE_EVERY = 1.0
"""Seconds between two looks at the memory: four a second cost the process 4 % of its time."""
WHISPERX_PYTHON = ROOT / ".venv-whisperx" / "bin" / "python"


class ContestantError(Exception):
    """A contestant's process ended before its answer."""


@dataclass(frozen=True)
class Setup:
    """What is the same for all contestants."""

    model: str
    compute_type: str
    threads: int


def interpreter(name: str) -> str | None:
    """The Python that has the contestant's packages; None if none has."""
    if name != "whisperx" or find_spec("whisperx"):
        return sys.executable
    return str(WHISPERX_PYTHON) if WHISPERX_PYTHON.exists() else None


def run(name: str, recording: Recording, warm_up: Path, setup: Setup) -> dict[str, Any]:
    """Transcribes a recording in a new process, whose model is loaded before the clock starts.

    Returns:
        Figures and the text; {"problem"} if it failed.
    """
    try:
        with _started(name, setup) as process:
            _ask(process, warm_up)
            return _measured(process, recording)
    except ContestantError as error:
        return {"problem": str(error)}


def _measured(process: subprocess.Popen[str], recording: Recording) -> dict[str, Any]:
    before = cpu_seconds(process_tree(process.pid))
    with PeakMemory(process.pid) as memory:
        answer = _ask(process, recording.path)
    spent = cpu_seconds(process_tree(process.pid)) - before
    return {
        **answer,
        "cpu": spent,
        "pss_peak": memory.peak,
        "audio_seconds": recording.seconds,
        "error_rate": word_error_rate(recording.text, answer["text"]),
    }


@contextmanager
def _started(name: str, setup: Setup) -> Iterator[subprocess.Popen[str]]:
    arguments = [name, setup.model, setup.compute_type, str(setup.threads)]
    command = [interpreter(name) or sys.executable, "-m", "bench.speech.contestant", *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    pipes["stderr"] = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
    complaints = _Complaints(process.stderr)
    try:
        yield process
    except ContestantError as error:
        raise ContestantError(f"{error}: {complaints.last()}") from None
    finally:
        _end(process)


def _ask(process: subprocess.Popen[str], path: Path) -> dict[str, Any]:
    assert process.stdin and process.stdout
    try:
        print(path, file=process.stdin, flush=True)
    except BrokenPipeError:
        raise ContestantError("it ended at its start") from None
    line = process.stdout.readline()
    if not line:
        raise ContestantError(f"it ended while it worked on {path.name}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _end(process: subprocess.Popen[str]) -> None:
    """Lets it end by itself, so that it removes its files; then makes sure."""
    assert process.stdin
    tree = process_tree(process.pid)
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in tree[1:]:
        if left.is_running():
            left.kill()


class _Complaints(threading.Thread):
    """Reads a process's stderr, so that it never blocks, and keeps the end of it."""

    def __init__(self, source: IO[str] | None) -> None:
        super().__init__(daemon=True)
        self._source: Sequence[str] | IO[str] = source or ()
        self._last = ""
        self.start()

    def run(self) -> None:
        for line in self._source:
            self._last = line.strip() or self._last

    def last(self) -> str:
        self.join(5)
        return self._last


class PeakMemory(threading.Thread):
    """The most memory of a process and its children while the `with` block runs.

    Attributes:
        peak: Bytes; pages that several of them share count once.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, sum(map(pss_of, process_tree(self._pid))))
            if self._ended.wait(SAMPLE_EVERY):
                return

    def __enter__(self) -> PeakMemory:
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._ended.set()
        self.join()

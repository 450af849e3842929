"""The engine process: cancel, death, orphans, idleness. Real processes, real signals."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.running import wait_for
from transcription.engines.base import EngineDied, EngineError, Event, Request
from transcription.engines.runtime import engine_process
from transcription.engines.runtime import process as spawn
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled, MediaError

Draft = Callable[[Path], Request]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def own_engine() -> Iterator[EngineProcess]:
    made = EngineProcess(idle_seconds=60)
    yield made
    made.close()


class Stop:
    """Says stop from the first news of a stage on, and remembers when it said so first."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.news: list[Event] = []
        self.since = 0.0

    def hear(self, event: Event) -> None:
        self.news.append(event)

    def __call__(self) -> bool:
        said = any(event.stage == self._stage for event in self.news)
        if said and not self.since:
            self.since = time.monotonic()
        return said


def gone(pid: int, within: float = 3.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("stage", ["probing", "loading", "transcribing"])
@pytest.mark.parametrize("name", ["built-in", "scripted"])
def test_cancel_in_each_stage(
    stage: str,
    name: str,
    engine: EngineProcess,
    draft: Draft,
    scripted: Draft,
    long_recording: Path,
) -> None:
    request = (draft if name == "built-in" else scripted)(long_recording)
    stop = Stop(stage)
    with pytest.raises(Cancelled):
        engine.run(request, stop.hear, stop)
    assert time.monotonic() - stop.since < 60


def test_cancel_before_anything(engine: EngineProcess, draft: Draft, long_recording: Path) -> None:
    told: list[Event] = []
    with pytest.raises(Cancelled):
        engine.run(draft(long_recording), told.append, should_stop=lambda: True)
    assert not {"loading", "transcribing"} & {event.stage for event in told}


def test_after_a_cancel_the_process_is_still_warm(
    own_engine: EngineProcess,
    draft: Draft,
    long_recording: Path,
    recording: Callable[[str], Path],
) -> None:
    stop = Stop("transcribing")
    with pytest.raises(Cancelled):
        own_engine.run(draft(long_recording), stop.hear, stop)
    pid = own_engine.pid
    assert pid
    assert own_engine.run(draft(recording("wav"))).segments
    assert own_engine.pid == pid


@pytest.mark.proof
@posix
def test_a_process_that_does_not_listen_is_killed(
    own_engine: EngineProcess,
    draft: Draft,
    long_recording: Path,
    recording: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    stop = Stop("transcribing")

    def hear(event: Event) -> None:
        stop.hear(event)
        if event.stage == "transcribing" and own_engine.pid:
            os.kill(own_engine.pid, signal.SIGSTOP)  # like a long call into C

    with pytest.raises(Cancelled):
        own_engine.run(draft(long_recording), hear, stop)
    assert time.monotonic() - stop.since < 2.0
    assert own_engine.pid is None
    assert list((tmp_path / "work").iterdir()) == []
    assert own_engine.run(draft(recording("wav"))).segments


@pytest.mark.proof
@posix
@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "out of memory"), (signal.SIGSEGV, "crashed (signal 11)")],
)
def test_a_violent_death_has_a_clear_reason(
    number: signal.Signals,
    words: str,
    own_engine: EngineProcess,
    draft: Draft,
    long_recording: Path,
    recording: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    def hear(event: Event) -> None:
        if event.stage == "transcribing" and own_engine.pid:
            os.kill(own_engine.pid, number)

    with pytest.raises(EngineDied) as caught:
        own_engine.run(draft(long_recording), hear)
    assert words in caught.value.message
    assert (caught.value.signal, caught.value.exit_code) == (number, None)
    assert list((tmp_path / "work").iterdir()) == []
    assert own_engine.run(draft(recording("wav"))).segments  # a fresh one


def test_other_ends_have_reasons_too() -> None:
    assert (
        "ran out of memory" in engine_process._exit_reason(engine_process.OUT_OF_MEMORY, "").message
    )
    died = engine_process._exit_reason(3, "Fatal: something")
    assert (died.exit_code, died.signal, died.stderr) == (3, None, "Fatal: something")
    assert "exit status 3" in died.message


def test_a_process_that_never_starts(
    monkeypatch: pytest.MonkeyPatch, own_engine: EngineProcess, draft: Draft, silent: Path
) -> None:
    monkeypatch.setattr(engine_process, "CHILD", "transcription.engines.no_such_module")
    with pytest.raises(EngineDied) as caught:
        own_engine.run(draft(silent))
    assert "no_such_module" in caught.value.stderr


@pytest.mark.proof
@posix
def test_one_that_left_as_we_asked_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
    own_engine: EngineProcess,
    draft: Draft,
    recording: Callable[[str], Path],
) -> None:
    own_engine.run(draft(recording("wav")))
    assert own_engine.pid
    os.kill(own_engine.pid, signal.SIGKILL)
    assert gone(own_engine.pid or 0)
    # as if it had not been noticed yet
    alive = iter([True])
    real = spawn.ChildProcess.alive
    monkeypatch.setattr(spawn.ChildProcess, "alive", lambda self: next(alive, None) or real(self))
    assert own_engine.run(draft(recording("wav"))).segments


@pytest.mark.proof
def test_idle_processes_end(draft: Draft, recording: Callable[[str], Path]) -> None:
    engine = EngineProcess(idle_seconds=0.3)
    engine.run(draft(recording("wav")))
    assert gone(engine.pid or 0)
    wait_for(lambda: engine.pid is None, 10, what="that its end is noticed")
    assert engine.run(draft(recording("wav"))).segments
    engine.close()
    at_once = EngineProcess(idle_seconds=0)
    for _ in range(2):
        assert at_once.run(draft(recording("wav"))).segments
    at_once.close()


def test_an_error_in_the_listener_ends_the_work(
    own_engine: EngineProcess, draft: Draft, long_recording: Path
) -> None:
    def hear(event: Event) -> None:
        raise RuntimeError("lost the lease")

    with pytest.raises(RuntimeError):
        own_engine.run(draft(long_recording), hear)
    assert own_engine.pid is None


def test_unknown_engine_and_missing_file(
    engine: EngineProcess, draft: Draft, silent: Path, tmp_path: Path
) -> None:
    with pytest.raises(EngineError) as unknown:
        engine.run(replace(draft(silent), engine="abacus"))
    assert unknown.value.code == "unknown_engine"
    with pytest.raises(MediaError) as caught:
        engine.run(draft(tmp_path / "nothing"))
    assert caught.value.code == "missing"

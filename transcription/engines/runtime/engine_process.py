"""The parent's side of the engine process: start, feed, stop, and notice its death."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from transcription.engines.base import (
    Chunk,
    EngineDied,
    EngineError,
    Event,
    Output,
    Paused,
    Request,
    Result,
    ShouldStop,
)
from transcription.engines.runtime import workdir
from transcription.engines.runtime.process import ChildProcess, secrets_for_downloads
from transcription.engines.selection import may_download
from transcription.media.errors import Cancelled, FinalError, MediaError

CHILD = "transcription.engines.runtime.worker"
POLL = 0.1
"""Seconds between two calls of should_stop()."""
GRACE = 1.2
"""Seconds that a child has to stop by itself; a window of ctranslate2 can't be interrupted."""
OUT_OF_MEMORY = 71  # the exit status that the worker uses for it


class EngineProcess:
    """One engine process, kept warm between runs and started again when it is gone.

    Not thread-safe.

    Args:
        idle_seconds: The process exits after so long without work; -1: never, 0: after each run.
    """

    def __init__(self, idle_seconds: float = 300.0) -> None:
        self._idle = idle_seconds
        self._child: ChildProcess | None = None
        self._secrets: dict[str, str] = {}  # that it was given
        self._number = 0

    @property
    def pid(self) -> int | None:
        """None while there is no process."""
        return self._child.process.pid if self._child and self._child.alive() else None

    def run(
        self,
        request: Request,
        on_event: Callable[[Event], None] = lambda event: None,
        should_stop: ShouldStop = lambda: False,
        should_pause: ShouldStop = lambda: False,
    ) -> Result:
        """Transcribes one recording.

        Raises:
            EngineError, MediaError: A final reason why it can't.
            EngineDied: The process ended during the run; the next run starts another.
            Cancelled: should_stop() returned True; raised within two seconds of that.
            Paused: should_pause() returned True; raised after the batch of chunks at work.
        """
        with workdir.made(request.work_dir) as folder:
            request = replace(request, work_dir=str(folder))
            try:
                return self._run(request, on_event, should_stop, should_pause)
            except (FinalError, Cancelled, Paused):
                raise
            except BaseException:
                self.close()  # its result is no longer needed
                raise

    def close(self) -> None:
        """Ends the process at once."""
        if self._child:
            self._child.kill()
            self._child = None

    def _run(
        self,
        request: Request,
        on_event: Callable[[Event], None],
        should_stop: ShouldStop,
        should_pause: ShouldStop,
    ) -> Result:
        try:
            child = self._ready_child(request)
            return self._talk(child, request, on_event, should_stop, should_pause)
        except _NotAcceptedError:
            # The idle child exited first; retried once.
            self.close()
        try:
            child = self._ready_child(request)
            return self._talk(child, request, on_event, should_stop, should_pause)
        except _NotAcceptedError as error:
            raise error.died from None

    def _ready_child(self, request: Request) -> ChildProcess:
        secrets = secrets_for_downloads() if may_download(request) else {}
        if self._child and not (self._child.alive() and secrets.items() <= self._secrets.items()):
            self.close()
        if self._child is None:
            # The child must find every model on the disk: it never downloads one.
            self._child = ChildProcess(
                CHILD,
                ["--idle", str(self._idle)],
                {**secrets, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            )
            self._secrets = secrets
        return self._child

    def _talk(
        self,
        child: ChildProcess,
        request: Request,
        on_event: Callable[[Event], None],
        should_stop: ShouldStop,
        should_pause: ShouldStop,
    ) -> Result:
        self._number += 1
        accepted, pausing, stopping = False, False, 0.0
        outputs: dict[str, Output] = {}
        child.send({"id": self._number, "request": vars(request)})
        while True:
            if not stopping and should_stop():
                stopping = time.monotonic()
                child.send({"cancel": self._number})
            if not (pausing or stopping) and should_pause():
                pausing = True
                child.send({"pause": self._number})
            if stopping and time.monotonic() - stopping > GRACE:
                self.close()
                raise Cancelled
            message = child.receive(POLL)
            if message and message["event"] == "died":
                self.close()
                if stopping:
                    raise Cancelled
                died = _exit_reason(message["status"], message["stderr"])
                raise died if accepted else _NotAcceptedError(died)
            if message and message["id"] == self._number:
                accepted = True
                if stopping and message["event"] in ("result", "error", "paused"):
                    raise Cancelled
                if result := _judge(message, on_event, outputs):
                    return result


class _NotAcceptedError(Exception):
    """The child exited before it accepted the request."""

    def __init__(self, died: EngineDied) -> None:
        super().__init__(str(died))
        self.died = died


def _judge(
    message: dict[str, Any], on_event: Callable[[Event], None], outputs: dict[str, Output]
) -> Result | None:
    """Passes reports on, and remembers outputs; returns or raises the end of the run."""
    event = message["event"]
    if event in ("progress", "output"):
        values: dict[str, Any] = {
            key: message[key] for key in ("done", "total", "media") if key in message
        }
        values["chunks"] = [Chunk(**chunk) for chunk in message.get("chunks", ())]
        if event == "output":
            output = values["output"] = Output(**message["output"])
            outputs[output.stage] = output
        on_event(Event(message["stage"], **values))
    elif event == "result":
        return Result(**{**message["result"], "outputs": outputs})
    elif event == "cancelled":
        raise Cancelled
    elif event == "paused":
        raise Paused
    elif event == "error":
        kind = MediaError if message["kind"] == "media" else EngineError
        raise kind(message["code"], message["message"])
    return None


def _exit_reason(status: int, stderr: str) -> EngineDied:
    """The sentence for users about a process that ended unexpectedly."""
    if status == OUT_OF_MEMORY:
        return EngineDied("The speech engine ran out of memory.", status, None, stderr)
    if status == -9:
        message = "The speech engine was killed (signal 9); the machine may be out of memory."
        return EngineDied(message, None, 9, stderr)
    if status < 0:
        return EngineDied(f"The speech engine crashed (signal {-status}).", None, -status, stderr)
    message = f"The speech engine ended unexpectedly (exit status {status})."
    return EngineDied(message, status, None, stderr)

"""The engine process: `python -m transcription.engines.runtime.worker --idle SECONDS`.

It reads one JSON object a line from stdin, {"id", "request"}, {"cancel": id} or {"pause": id}, and
writes {"id", "event", ...} to stdout: "accepted", then "progress" and, as each stage is done,
"output", then one of "result", "error", "cancelled", "paused". Loaded models stay warm from request
to request. It exits when it has been idle for long enough, and at once when stdin closes: its
parent is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from transcription.engines.base import (
    TRANSCRIBE,
    WORKING,
    Chunk,
    EngineError,
    Output,
    Paused,
    Progress,
    Request,
)
from transcription.engines.pipeline import Pipeline, failure
from transcription.engines.runtime import lifetime
from transcription.engines.runtime.reader_process import WaitingReaders
from transcription.media.errors import Cancelled, FinalError, MediaError

OUT_OF_MEMORY = 71
"""Exit status when Python ran out of memory."""
PROGRESS_EVERY = 0.2
"""Seconds between two progress reports of the same stage."""


class ProgressReporter:
    """Turns a run's reports into messages.

    Args:
        send: Called with an event and its values.
        is_paused: Whether the run is to end after a batch of chunks.
    """

    def __init__(self, send: Callable[..., None], is_paused: Callable[[], bool]) -> None:
        self._send = send
        self._is_paused = is_paused
        self._total: float | None = None  # seconds of audio

    def chunks(self, chunks: Sequence[Chunk]) -> None:
        if chunks:
            new = [vars(chunk) for chunk in chunks]
            at = {"stage": WORKING[TRANSCRIBE], "done": chunks[-1].end, "total": self._total}
            self._send("progress", **at, chunks=new)
        if self._is_paused():
            raise Paused

    def progress_reporter(self, stage: str, total: float | None) -> Progress:
        reported, self._total = 0.0, total

        def tell(done: float) -> None:
            nonlocal reported
            now = time.monotonic()
            if now - reported >= PROGRESS_EVERY:
                reported = now
                self._send("progress", stage=stage, done=round(done, 2), total=total)

        return tell

    def found(self, about: Mapping[str, Any]) -> None:
        self._send("progress", stage="probing", total=about["duration"], media=dict(about))

    def output(self, output: Output, duration: float) -> None:
        at_end = {"stage": WORKING[output.stage], "done": duration, "total": duration}
        self._send("output", **at_end, output=vars(output))

    def failed(self, reason: FinalError) -> None:
        kind = "media" if isinstance(reason, MediaError) else "engine"
        self._send("error", kind=kind, code=reason.code, message=reason.message)


class Child:
    """One request at a time; a second thread listens for cancels."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle = idle_seconds
        self._requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self._cancelled: set[int] = set()
        self._paused: set[int] = set()
        self._pcm: Path | None = None
        self._worked = False
        self._waiting = WaitingReaders(idle_seconds)
        self._write = lifetime.take_stdout()

    def serve(self) -> None:
        """Works until idle for too long. Never returns."""
        lifetime.watch_parent(self._remove_pcm)
        threading.Thread(target=self._listen, name="stdin", daemon=True).start()
        while True:
            try:
                message = self._requests.get(timeout=self._patience())
            except queue.Empty:
                self._waiting.close()
                os._exit(0)  # no normal exit: native libraries may hang in theirs
            self._run(message["id"], Request(**message["request"]))
            self._worked = True

    def _patience(self) -> float | None:
        """Seconds to wait for the next request; the first one is always on its way."""
        if self._idle < 0:
            return None
        return self._idle if self._worked else max(self._idle, 30.0)

    def _listen(self) -> None:
        for line in lifetime.lines_until_parent_dies(self._remove_pcm):
            message = json.loads(line)
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            elif "pause" in message:
                self._paused.add(message["pause"])
            else:
                self._requests.put(message)

    def _run(self, number: int, request: Request) -> None:
        self._send(number, "accepted")
        reporter = ProgressReporter(
            partial(self._send, number), is_paused=lambda: number in self._paused
        )
        try:
            pcm = self._pcm = Path(request.work_dir or ".") / "audio.pcm"
            pipeline = Pipeline(
                request, reporter, lambda: number in self._cancelled, pcm, self._waiting
            )
            result = pipeline.run()
        except Cancelled:
            self._send(number, "cancelled")
        except Paused:
            self._send(number, "paused")
        except FinalError as error:
            reporter.failed(error)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception as error:  # noqa: BLE001 - reported to the parent
            traceback.print_exc()
            reporter.failed(EngineError("engine_failed", failure(error)))
        else:
            outputs: dict[str, Any] = {}  # already reported, one by one
            self._send(number, "result", result={**vars(result), "outputs": outputs})
        finally:
            self._remove_pcm()
            self._cancelled.discard(number)
            self._paused.discard(number)

    def _send(self, number: int, event: str, **values: Any) -> None:
        line = json.dumps({"id": number, "event": event, **values}) + "\n"
        self._write(line.encode())

    def _remove_pcm(self) -> None:
        with suppress(OSError):  # Windows: still open; the parent cleans up
            if self._pcm:
                self._pcm.unlink(missing_ok=True)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="transcription.engines.runtime.worker")
    parser.add_argument("--idle", type=float, default=300.0, help="seconds, -1 for ever")
    # Ctrl-C goes to the whole process group: the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifetime.lower_priority()
    Child(parser.parse_args(arguments).idle).serve()


if __name__ == "__main__":
    main(sys.argv[1:])

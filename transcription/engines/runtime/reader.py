"""Decodes a recording: `python -m transcription.engines.runtime.reader PATH BYTES [TRACK]`.

It reads the file with at most that many bytes of memory, and writes frames to stdout: see `frame`.
Messages are JSON objects, each with an "event": "media" (the fields of `Media`), then "progress"
now and then, last "end" (the fields of `Decoded`) or "error" (code, message). The samples come in
between; it waits while its parent doesn't take them. It exits when stdin closes.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import threading
import time
import traceback
from dataclasses import asdict
from typing import Any

from transcription.engines.runtime import lifetime, memory
from transcription.media.decode import decode
from transcription.media.errors import FinalError
from transcription.media.probe import probe

SAMPLES, MESSAGE = b"S", b"M"
HEAD = struct.Struct("<cI")
"""Of a frame: its kind and the length of its content."""
SIGN_EVERY = 1.0
"""Seconds between two signs of life, if no samples come."""


def frame(kind: bytes, content: bytes) -> bytes:
    return HEAD.pack(kind, len(content)) + content


class Reading:
    """Writes what is read of one file as frames."""

    def __init__(self) -> None:
        self._write = lifetime.take_stdout()
        self._reported = 0.0

    def all_of(self, path: str, audio_track: int | None) -> None:
        """Reads the file to its end.

        Raises:
            MediaError: It can't be read.
        """
        found = probe(path, audio_track)
        self.say("media", **asdict(found))
        decoded = decode(path, self._samples, self._progress, media=found)
        self.say("end", **asdict(decoded))

    def say(self, event: str, **facts: Any) -> None:
        self._write(frame(MESSAGE, json.dumps({"event": event, **facts}).encode()))

    def refuse(self, reason: FinalError) -> None:
        self.say("error", code=reason.code, message=reason.message)

    def _samples(self, data: bytes) -> None:
        self._write(frame(SAMPLES, data))

    def _progress(self, seconds: float, share: float) -> None:
        now = time.monotonic()
        if now - self._reported >= SIGN_EVERY:
            self._reported = now
            self.say("progress", expected=seconds / share if share else None)


def main(path: str, most_memory: int, audio_track: int | None = None) -> None:
    # Ctrl-C goes to the whole process group: the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifetime.lower_priority()
    reading = Reading()
    threading.Thread(target=lifetime.end_with_stdin, name="stdin", daemon=True).start()
    lifetime.watch_parent()
    status = 0
    try:
        with memory.limited(most_memory, reading.refuse):
            reading.all_of(path, audio_track)
    except FinalError as reason:
        reading.refuse(reason)
    except Exception:  # noqa: BLE001 - the parent reports the exit status
        traceback.print_exc()
        status = 1
    os._exit(status)  # no normal exit: native libraries may hang in theirs


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))

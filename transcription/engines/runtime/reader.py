"""Decodes a recording: `python -m transcription.engines.runtime.reader PATH BYTES [TRACK]`.

It reads the file with at most that many bytes of memory, and writes frames to stdout: see `frame`.
Messages are JSON objects, each with an "event": "media" (the fields of `Media`), then "progress"
now and then, last "end" (the fields of `Decoded`) or "error" (code, message). The samples come in
between; it waits while its parent doesn't take them. It exits when stdin closes.

With `--measure` in front it writes no samples and no progress, and doesn't look for sound in other
tracks.
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
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from transcription.engines.runtime import lifetime, memory
from transcription.media.decode import decode
from transcription.media.errors import FinalError
from transcription.media.probe import probe

SAMPLES, MESSAGE = b"S", b"M"
MEASURE = "--measure"
HEAD = struct.Struct("<cI")
"""Of a frame: its kind and the length of its content."""
SIGN_EVERY = 1.0
"""Seconds between two signs of life, if no samples come."""


def frame(kind: bytes, content: bytes) -> bytes:
    return HEAD.pack(kind, len(content)) + content


def messages(data: bytes) -> Iterator[dict[str, Any]]:
    """The messages among these frames.

    Raises:
        ValueError: The last one is not complete.
    """
    while data:
        if len(data) < HEAD.size:
            raise ValueError("A frame is not complete.")
        kind, length = HEAD.unpack_from(data)
        content, data = data[HEAD.size :][:length], data[HEAD.size + length :]
        if kind == MESSAGE:
            yield json.loads(content)


class Reading:
    """Writes what is read of one file as frames."""

    def __init__(self) -> None:
        self._write = lifetime.take_stdout()
        self._reported = 0.0

    def measure(self, path: str, audio_track: int | None) -> None:
        """Reads the file to its end, but writes no samples.

        Raises:
            MediaError: It can't be read.
        """
        found = probe(path, audio_track)
        self.say("media", **asdict(found))
        # The first of several tracks may be silent; the job checks the others.
        decoded = decode(path, lambda samples: None, media=replace(found, others=()))
        self.say("end", **asdict(decoded))

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


def main(arguments: list[str]) -> None:
    measures = arguments[0] == MEASURE
    path, most_memory, *track = arguments[1:] if measures else arguments
    # Ctrl-C goes to the whole process group: the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifetime.lower_priority()
    reading = Reading()
    threading.Thread(target=lifetime.end_with_stdin, name="stdin", daemon=True).start()
    lifetime.watch_parent()
    status = 0
    try:
        with memory.limited(int(most_memory), reading.refuse):
            read = reading.measure if measures else reading.all_of
            read(path, int(track[0]) if track else None)
    except FinalError as reason:
        reading.refuse(reason)
    except Exception:  # noqa: BLE001 - the parent reports the exit status
        traceback.print_exc()
        status = 1
    os._exit(status)  # no normal exit: native libraries may hang in theirs


if __name__ == "__main__":
    main(sys.argv[1:])

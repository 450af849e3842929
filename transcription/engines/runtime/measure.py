"""Measures the duration of a recording's audio.

`python -m transcription.engines.runtime.measure PATH BYTES [TRACK]` reads all audio and keeps none
of it, with at most that many bytes of memory, and writes one JSON object to stdout: {"duration",
"mime", "has_video"}, or {"error", "message"} if there is no audio. It exits when stdin closes: then
its result is no longer needed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import replace
from typing import Any

from transcription.engines.runtime import lifetime, memory
from transcription.media.decode import decode
from transcription.media.errors import FinalError
from transcription.media.probe import probe


def measured(path: str, audio_track: int | None) -> dict[str, Any]:
    """What is known about the recording at `path`, and about that track.

    Raises:
        EngineError: Nothing, for this reason.
    """
    found = probe(path, audio_track)
    # The first of several tracks may be silent; the job checks the others.
    sound = decode(path, lambda samples: None, media=replace(found, others=()))
    return {"duration": sound.duration, "mime": found.mime, "has_video": found.has_video}


def main(path: str, most_memory: int, audio_track: int | None = None) -> None:
    # Ctrl-C goes to the whole process group: the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifetime.lower_priority()
    write = lifetime.take_stdout()
    threading.Thread(target=lifetime.end_with_stdin, name="stdin", daemon=True).start()
    lifetime.watch_parent()

    def say(answer: dict[str, Any]) -> None:
        write(json.dumps(answer).encode() + b"\n")

    def refuse(reason: FinalError) -> None:
        say({"error": reason.code, "message": reason.message})

    try:
        with memory.limited(most_memory, refuse):
            found = measured(path, audio_track)
        say(found)
    except FinalError as reason:
        refuse(reason)
    os._exit(0)  # no normal exit: native libraries may hang in theirs


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))

"""Measures a recording's type and duration, in a separate process.

Waiting requests don't block others: under gevent the waits are cooperative, in threads they are
plain.
"""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from transcription.conf import conf
from transcription.engines.runtime import reader
from transcription.engines.runtime.process import start
from transcription.media.errors import MediaError
from transcription.services.db_connection import release_connection
from transcription.services.places import PLACE_POLL_SECONDS, ClientDisconnected, Places
from uploads.errors import Unavailable

places = Places(count=6, each=2, most_waiting=200)
"""The number of measurements that a web server process runs at once."""


@dataclass(frozen=True)
class Measured:
    """The facts about a recording.

    Attributes:
        duration: Seconds of audio that were decoded.
        mime: The media type to serve it with.
        has_video: Whether it has video.
    """

    duration: float
    mime: str
    has_video: bool


def measure(
    path: str,
    turn: str,
    is_unwanted: Callable[[], bool] = lambda: False,
    audio_track: int | None = None,
) -> Measured:
    """Decodes all audio of a recording to measure its duration.

    Args:
        path: A local file.
        turn: The owner, as in `Job.turn`: owners are served in turn.
        is_unwanted: Called now and then; if True, the work is stopped.
        audio_track: The track to read, from 1 on; None: the file's main one.

    Raises:
        MediaError: No audio can be read, or not within PROBE_TIMEOUT.
        ClientDisconnected: `is_unwanted` was True.
        TooManyRequests: Too many recordings of this owner are waiting.
        Unavailable: Too many are waiting in all, or no process can be started.
    """
    release_connection()
    with places.taken(turn, is_unwanted):
        return _result(_answer(path, is_unwanted, audio_track))


def _answer(path: str, is_unwanted: Callable[[], bool], audio_track: int | None) -> bytes:
    """The output of the process."""
    try:
        arguments = [reader.MEASURE, path, str(conf.DECODER_MEMORY)]
        if audio_track is not None:
            arguments.append(str(audio_track))
        process = start(reader.__name__, arguments, subprocess.DEVNULL)
    except OSError as problem:
        raise Unavailable from problem
    assert process.stdin and process.stdout
    try:
        deadline = time.monotonic() + conf.PROBE_TIMEOUT
        while not _has_ended(process):
            if is_unwanted():
                raise ClientDisconnected
            if time.monotonic() > deadline:
                raise MediaError("too_slow", "Reading the recording's audio took too long.")
        return process.stdout.read()  # so little that it fits into the pipe
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(PLACE_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _result(data: bytes) -> Measured:
    facts: dict[str, Any] = {"event": "died"}
    with suppress(ValueError):
        for message in reader.messages(data):
            facts |= message
    if facts["event"] == "error":
        raise MediaError(facts["code"], facts["message"])
    if facts["event"] != "end":
        raise MediaError("died", "Reading the recording made the decoder crash.")
    return Measured(facts["duration"], facts["mime"], facts["has_video"])

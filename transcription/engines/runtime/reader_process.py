"""The parent's side of a reader: one process that decodes one recording, and those that wait."""

from __future__ import annotations

import json
import queue
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcription.engines.runtime.process import start
from transcription.engines.runtime.reader import HEAD, SAMPLES
from transcription.media.errors import MediaError
from transcription.media.pcm import BYTES_PER_SECOND, Decoded

READER = "transcription.engines.runtime.reader"
AHEAD = 64
"""Frames that are read ahead: half a minute of sound."""
KEPT = 600 * BYTES_PER_SECOND
"""Bytes of the last samples that are kept: a run goes on after its last finished chunk, which is
some minutes before where it stopped reading."""
MOST_WAITING = 4
"""Readers of paused runs; the least recently used one is ended."""
POLL = 0.1
"""Seconds between two calls of `wait`."""
KILLED = -9

Wait = Callable[[float], None]
"""Called while nothing comes, with the seconds since then; raises an error to give up."""


@dataclass(frozen=True)
class Source:
    """An audio track of a file, as it is now."""

    path: str
    track: int | None
    size: int
    changed: int

    @classmethod
    def of(cls, path: str, track: int | None) -> Source:
        """
        Raises:
            MediaError: The file is gone.
        """
        try:
            found = Path(path).stat()
        except OSError as error:
            raise MediaError("missing", "The file no longer exists.") from error
        return cls(path, track, found.st_size, found.st_mtime_ns)

    def is_current(self) -> bool:
        with suppress(MediaError):
            return self == Source.of(self.path, self.track)
        return False


class ReaderProcess:
    """A process that decodes a recording from its beginning on.

    Args:
        source: What it reads.
        most_memory: Bytes that it may take.
    """

    def __init__(self, source: Source, most_memory: int) -> None:
        self.source = source
        self.media: dict[str, Any] | None = None  # the fields of `Media`, as soon as it is probed
        self.decoded: Decoded | None = None  # at the end
        self.expected: float | None = None  # seconds, an estimate
        self.position = 0  # bytes of samples that were received
        self.waits_since = 0.0
        self.file: Path | None = None  # all samples, alone in its folder, while it waits
        self._last: deque[bytes] = deque()
        self._first_kept = 0
        self._frames: queue.Queue[tuple[bytes, bytes]] = queue.Queue(AHEAD)
        arguments = [source.path, str(most_memory)]
        if source.track is not None:
            arguments.append(str(source.track))
        self.process = start(READER, arguments, stderr=None)
        threading.Thread(target=self._read, name="reader", daemon=True).start()

    def receive(self, wait: Wait) -> bytes:
        """The next samples, or b"" for a message: `media`, `decoded` or `expected` is set then.

        Raises:
            MediaError: The recording can't be read, for this reason.
            MemoryError: The process was killed: the system does that if memory runs out.
        """
        kind, content = self._next(wait)
        if kind == SAMPLES:
            self._keep(content)
            return content
        if not kind:
            raise self._death()
        message = json.loads(content)
        event = message.pop("event")
        if event == "error":
            raise MediaError(**message)
        if event == "media":
            self.media, self.expected = message, message["duration"]
        elif event == "end":
            self.decoded = Decoded(**{**message, "warnings": tuple(message["warnings"])})
        elif self.media and not self.media["duration"]:
            self.expected = message["expected"]
        return b""

    def reaches(self, first: int) -> bool:
        """Whether the samples from that byte on can still be had."""
        return first >= self._first_kept

    def kept_from(self, first: int) -> Iterator[bytes]:
        """The samples from that byte on that were received already."""
        at = self._first_kept
        for block in tuple(self._last):
            if at + len(block) > first:
                yield block[max(0, first - at) :]
            at += len(block)

    def close(self) -> None:
        """Ends it at once, and removes its file."""
        if self.file:
            shutil.rmtree(self.file.parent, ignore_errors=True)
        self.process.kill()
        self.process.wait()
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()
        with suppress(queue.Empty):  # lets its thread see the end
            while True:
                self._frames.get_nowait()

    def _keep(self, block: bytes) -> None:
        self.position += len(block)
        self._last.append(block)
        while self.position - self._first_kept - len(self._last[0]) >= KEPT:
            self._first_kept += len(self._last.popleft())

    def _next(self, wait: Wait) -> tuple[bytes, bytes]:
        since = time.monotonic()
        while True:
            try:
                return self._frames.get(timeout=POLL)
            except queue.Empty:
                wait(time.monotonic() - since)

    def _read(self) -> None:
        """Works in a thread: Windows can't wait for a pipe and for something else."""
        assert self.process.stdout
        with self.process.stdout as stdout:
            while len(head := stdout.read(HEAD.size)) == HEAD.size:
                kind, length = HEAD.unpack(head)
                content = stdout.read(length)
                if len(content) < length:
                    break
                self._frames.put((kind, content))
        self._frames.put((b"", b""))

    def _death(self) -> Exception:
        """Why it ended without a reason of its own."""
        status = self.process.wait()
        if status == KILLED:
            return MemoryError("The process that reads the recording was killed.")
        Source.of(self.source.path, self.source.track)  # if the file is gone, that is the reason
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        message = f"The recording could not be read. The decoder crashed ({how})."
        return MediaError("died", message)


class WaitingReaders:
    """Keeps the readers of paused runs, so that these go on where they stopped.

    Args:
        idle_seconds: A reader is ended after so long; negative: never.
    """

    def __init__(self, idle_seconds: float) -> None:
        self._idle = idle_seconds
        self._readers: list[ReaderProcess] = []  # the least recently used first

    def take(self, source: Source) -> ReaderProcess | None:
        for reader in self._readers:
            if reader.source == source:
                self._readers.remove(reader)
                return reader
        return None

    def add(self, reader: ReaderProcess) -> None:
        reader.waits_since = time.monotonic()
        self._readers.append(reader)
        while len(self._readers) > MOST_WAITING:
            self._readers.pop(0).close()

    def sweep(self) -> None:
        """Ends those that waited too long, or whose file has changed or is gone."""
        for reader in tuple(self._readers):
            waited = time.monotonic() - reader.waits_since
            if not reader.source.is_current() or 0 <= self._idle < waited:
                self._readers.remove(reader)
                reader.close()

    def close(self) -> None:
        """Ends all."""
        while self._readers:
            self._readers.pop().close()

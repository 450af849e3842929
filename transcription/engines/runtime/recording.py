"""The audio of a request's recording, which processes of their own decode."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from transcription.engines.base import Paused, Request, ShouldStop
from transcription.engines.runtime import workdir
from transcription.engines.runtime.reader_process import ReaderProcess, Source, WaitingReaders
from transcription.media.errors import Cancelled, FinalError, MediaError
from transcription.media.pcm import BYTES_PER_SECOND, RATE, Audio, Decoded


class Recording(Audio):
    """Streams the samples; at the first use of a place among them, writes all to the file.

    When the `with` block ends its readers are ended, but for the last one of a paused run, which
    keeps the file, too.

    Args:
        request: Whose recording to read.
        path: The file for the samples.
        waiting: The readers of paused runs.
        on_decoding: Called with the seconds that were written to the file, and the expected ones.
        on_sign: Called when a reader is at work, but has no samples yet.
        should_stop: Whether the run is no longer wanted.
    """

    def __init__(
        self,
        request: Request,
        path: Path,
        waiting: WaitingReaders,
        on_decoding: Callable[[float, float | None], None],
        on_sign: Callable[[], None],
        should_stop: ShouldStop,
    ) -> None:
        self._source = Source.of(request.media_path, request.options.get("audio_track"))
        self._request = request
        self._path = path
        self._waiting = waiting
        self._on_decoding = on_decoding
        self._on_sign = on_sign
        self._should_stop = should_stop
        self._is_written = False
        self._stated: float | None = None  # seconds according to the header
        self._at_end: Decoded | None = None
        self._readers: list[ReaderProcess] = []
        self._busy: set[ReaderProcess] = set()

    def __enter__(self) -> Recording:
        self._waiting.sweep()
        if reader := self._waiting.take(self._source):
            self._readers.append(reader)
            if reader.file:
                self._take_file(reader, reader.file)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is Paused and self._readers:
            reader = self._readers.pop()
            if self._is_written:
                reader.decoded = self._at_end
                reader.file = workdir.set_aside(self._path)
            self._waiting.add(reader)
        for reader in self._readers:
            reader.close()

    def _take_file(self, reader: ReaderProcess, file: Path) -> None:
        """Goes on with the file of the paused run."""
        file.replace(self._path)
        file.parent.rmdir()
        reader.file = None
        self._at_end, self._is_written = reader.decoded, True

    def media(self) -> dict[str, Any]:
        """The fields of `Media`.

        Raises:
            MediaError: No audio can be read.
        """
        reader = self._readers[0] if self._readers else self._started()
        while reader.media is None:
            reader.receive(self._wait)
        self._stated = reader.media["duration"]
        return reader.media

    @property
    def path(self) -> Path:
        self.ensure_file()
        return self._path

    @property
    def decoded(self) -> Decoded:
        if self._at_end is None:
            self.ensure_file()
        assert self._at_end
        return self._at_end

    @property
    def is_read(self) -> bool:
        return self._at_end is not None

    @property
    def expected_duration(self) -> float | None:
        if self._at_end:
            return self._at_end.duration
        return self._readers[-1].expected or self._stated

    def stream(self, after: float = 0.0) -> Iterator[bytes]:
        if self._is_written:
            yield from super().stream(after)
            return
        first = round(after * RATE) * 2
        reader = self._free_reader(first)
        self._busy.add(reader)
        try:
            for block in self._all_of(reader, first):
                if self._should_stop():
                    raise Cancelled
                yield block
        finally:
            self._busy.discard(reader)
        self._at_end = reader.decoded

    def ensure_file(self) -> None:
        if self._is_written:
            return
        try:
            self._write()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise FinalError("disk_full", "The disk is full: no space for the audio.") from error
        self._is_written = True

    def _write(self) -> None:
        done = 0
        with self._path.open("wb") as file:
            for block in self.stream():
                if block.strip(b"\0"):
                    file.write(block)
                else:  # hours of silence need no space
                    file.seek(len(block), os.SEEK_CUR)
                done += len(block)
                self._on_decoding(done / BYTES_PER_SECOND, self.expected_duration)
            file.truncate()

    def _all_of(self, reader: ReaderProcess, first: int) -> Iterator[bytes]:
        """The samples from that byte on, as they come."""
        yield from reader.kept_from(first)
        while reader.decoded is None:
            block = reader.receive(self._wait)
            if reader.position > first and block:
                yield block[max(0, first - reader.position + len(block)) :]
            elif not block:
                self._on_sign()

    def _free_reader(self, first: int) -> ReaderProcess:
        for reader in self._readers:
            if reader not in self._busy and reader.reaches(first):
                return reader
        for reader in set(self._readers) - self._busy:  # they are beyond it
            self._readers.remove(reader)
            reader.close()
        return self._started()

    def _started(self) -> ReaderProcess:
        try:
            reader = ReaderProcess(self._source, self._request.decoder_memory)
        except OSError as error:
            raise MemoryError("The system can't start a process.") from error
        self._readers.append(reader)
        return reader

    def _wait(self, silent: float) -> None:
        if self._should_stop():
            raise Cancelled
        if silent > self._request.reader_stall:
            minutes = round(silent / 60)
            message = (
                f"The recording could not be read. The decoder found nothing for {minutes} minutes."
            )
            raise MediaError("too_slow", message)

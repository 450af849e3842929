"""Long uploads, sent by the kernel from memory."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from bench.payload import spans
from bench.wire import Target, receive

# Before the last byte of an upload whose end is timed: the server catches up with all others.
PAUSE = 0.5


class LoadFailed(Exception):
    """The server did not do what it must; says what."""


class Upload:
    """One upload over one connection.

    Args:
        specification: `port`, `path`, `key`, `source`, `size` (bytes), `chunk` (bytes of a PATCH),
            `timed_end` (hold the last byte back for a moment and time what follows).
    """

    def __init__(self, specification: dict[str, Any]) -> None:
        self.size: int = specification["size"]
        self.chunk: int = specification["chunk"]
        self.timed_end: bool = specification.get("timed_end", False)
        self.target = Target.of(specification)
        self.source = os.open(specification["source"], os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.connection = self.target.connect()
        self.connection.settimeout(None)
        self.end_seconds = 0.0
        self.place = self.create()

    def create(self) -> bytes:
        """POST; returns the path of the upload."""
        self.connection.sendall(self.target.create(self.size))
        answer = receive(self.connection)
        if answer.status != 201:
            raise LoadFailed(f"POST: {answer.status} {answer.body[:200]!r}")
        return answer.place

    def send(self) -> None:
        """All PATCHes, one after the other."""
        for offset in range(0, self.size, self.chunk):
            size = min(self.chunk, self.size - offset)
            last = offset + size == self.size
            self.patch(offset, size, self.timed_end and last)
        self.connection.close()
        os.close(self.source)

    def patch(self, offset: int, size: int, timed_end: bool) -> None:
        """One PATCH, and a look at its answer."""
        self.connection.sendall(self.target.patch(self.place, offset, size))
        try:
            self.send_bytes(offset, size - timed_end)
            if timed_end:
                time.sleep(PAUSE)
                sent = time.perf_counter()
                self.send_bytes(offset + size - 1, 1)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused midway: the answer says why
        answer = receive(self.connection)
        if timed_end:
            self.end_seconds = time.perf_counter() - sent
        if answer.status != 204 or answer.offset != offset + size:
            raise LoadFailed(f"PATCH: {answer.status} {answer.head!r} {answer.body[:200]!r}")

    def send_bytes(self, start: int, size: int) -> None:
        """Bytes of the source: without a copy where the system can."""
        for offset, taken in spans(start, size):
            if not hasattr(os, "sendfile"):
                os.lseek(self.source, offset, os.SEEK_SET)
                self.connection.sendall(os.read(self.source, taken))
                continue
            while taken:
                sent = os.sendfile(self.connection.fileno(), self.source, offset, taken)
                offset += sent
                taken -= sent


def load(specification: dict[str, Any]) -> dict[str, Any]:
    """`parallel` uploads at once, `repeat` times one after the other.

    Returns:
        `wall` seconds from the first PATCH to the last answer, summed over the repetitions;
        `places`; `end_seconds` from the last byte to the answer, one for each upload.
    """
    places: list[str] = []
    ends: list[float] = []
    wall = 0.0
    for _ in range(specification.get("repeat", 1)):
        uploads = [Upload(specification) for _ in range(specification.get("parallel", 1))]
        wall += send_all(uploads)
        places += [upload.place.decode() for upload in uploads]
        ends += [upload.end_seconds for upload in uploads]
    return {"wall": wall, "places": places, "end_seconds": ends}


def send_all(uploads: list[Upload]) -> float:
    """Send all at once; returns the seconds until the last was answered."""
    problems: list[Exception] = []

    def send(upload: Upload) -> None:
        try:
            upload.send()
        except (LoadFailed, OSError) as problem:
            problems.append(problem)

    threads = [threading.Thread(target=send, args=(upload,)) for upload in uploads[1:]]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    send(uploads[0])
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return time.perf_counter() - started

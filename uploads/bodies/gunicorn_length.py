"""Bodies of known length in gunicorn's gevent worker, read directly from the socket."""

import time
from typing import Any
from weakref import WeakSet

from uploads.bodies.base import SMALL_REST
from uploads.bodies.gunicorn_connection import (
    BUFFER_BYTES,
    PIECE_COST,
    YIELD_EVERY,
    buffer,
    close_after_answer,
    discard_remaining,
    ends_anyway,
    expects_continue,
    send_100_continue,
)
from uploads.conf import conf
from uploads.cooperative import let_others_in, pause
from uploads.stores.pipe import Piece, Pipe, shared_pipe

LARGE_PIECE = 64 * 1024  # below this, splicing doesn't pay
# In a crowd, clients slower than this (bytes a second) are read less often: a thousand of them
# keep both cores busy with 1 KiB pieces, and every fast client waits. Meanwhile their bytes wait
# in the kernel's socket buffer; none of them are acknowledged yet.
SLOW = 64 * 1024
SLOW_FOR = 2  # pieces in a row; the first pieces of a fast client may be small, too
CROWD = 32  # the number of such clients in this process
GATHER_SECONDS = 0.5
NEARLY_ALL = 4 * 1024  # the end of a body is never delayed
slow_bodies: "WeakSet[GunicornBody]" = WeakSet()


class GunicornBody:
    """Implements `uploads.bodies.base.Body`."""

    def __init__(self, environ: dict[str, Any], length: int) -> None:
        self.length: int | None = length
        self.cut = False
        self.idle = False
        self.malformed = False
        self.environ = environ
        self.input = environ["wsgi.input"]
        self.reader = self.input.reader
        self.socket = environ["gunicorn.socket"]
        self.since_yield = 0
        # The client's speed shows while reading; a long body is worth the attempt.
        self.last_piece = LARGE_PIECE if length >= BUFFER_BYTES else 0
        self.slow_pieces = 0
        self.discarded = False
        self.waits = expects_continue(self)

    def is_empty(self) -> bool:
        return not self.length

    def read(self) -> memoryview | bytes:
        """First what gunicorn read ahead, then the socket's bytes."""
        ahead = self._ahead()
        if ahead or not self.reader.length:
            return ahead
        received = self._receive(None)
        return buffer[:received]

    def read_zero_copy(self) -> Piece:
        """Large pieces come as a pipe: their bytes stay in the kernel."""
        pipe = shared_pipe() if self.last_piece >= LARGE_PIECE else None
        if pipe is None or self.reader.length < LARGE_PIECE:
            return self.read()
        ahead = self._ahead()
        if ahead:
            return ahead
        self._receive(pipe)
        return pipe

    def _ahead(self) -> bytes:
        rest: int = self.reader.length
        if not rest:
            return b""
        ahead: bytes = self.reader.unreader.take_buffered()
        if ahead:
            self.reader.unreader.unread(ahead[rest:])
            ahead = ahead[:rest]
            self.reader.length -= len(ahead)
        return ahead

    def _receive(self, pipe: Pipe | None) -> int:
        if self.since_yield > YIELD_EVERY:
            self.since_yield = 0
            let_others_in()
        size = min(self.reader.length, BUFFER_BYTES)
        began = time.monotonic()
        if len(slow_bodies) > CROWD and self in slow_bodies and self.reader.length > NEARLY_ALL:
            pause(GATHER_SECONDS)
        received = self._wait_for(size, pipe)
        self._note_pace(received < SLOW * (time.monotonic() - began))
        self.reader.length -= received
        self.since_yield += received + PIECE_COST
        self.last_piece = received
        if not received:
            self.cut = True
            close_after_answer(self.input)
        return received

    def _note_pace(self, slow: bool) -> None:
        self.slow_pieces = self.slow_pieces + 1 if slow else 0
        if self.slow_pieces == SLOW_FOR:
            slow_bodies.add(self)
        elif not slow:
            slow_bodies.discard(self)

    def _wait_for(self, size: int, pipe: Pipe | None) -> int:
        try:
            if self.waits:
                self.waits = False
                send_100_continue(self)
            if pipe is not None:
                return pipe.fill(self.socket, size, conf.UPLOADS_IDLE_TIMEOUT)
            self.socket.settimeout(conf.UPLOADS_IDLE_TIMEOUT)
            received: int = self.socket.recv_into(buffer[:size])
        except TimeoutError:
            self.idle = True
            return 0
        except OSError:  # connection reset by the client
            return 0
        finally:
            if pipe is None and self.socket.fileno() >= 0:
                self.socket.settimeout(None)
        return received

    def trailer(self, name: str) -> str | None:
        return None

    def discard(self, close_connection: bool = False) -> None:
        small = 0 if ends_anyway(self.environ) else SMALL_REST
        self.discarded = close_connection or self.reader.length > small or expects_continue(self)
        if self.discarded:
            close_after_answer(self.input)

    def drain(self) -> None:
        slow_bodies.discard(self)
        if self.discarded:
            discard_remaining(self.socket)

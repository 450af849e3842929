"""Chunked request bodies from gunicorn: pieces as its parser delivers them."""

from typing import Any

from uploads.bodies.gunicorn_connection import (
    PIECE_COST,
    YIELD_EVERY,
    close_after_answer,
    discard_remaining,
    send_100_continue,
)
from uploads.conf import conf
from uploads.cooperative import let_others_in, within


class GunicornChunkedBody:
    """Implements `uploads.bodies.base.Body`."""

    def __init__(self, environ: dict[str, Any], length: int | None = None) -> None:
        self.length: int | None = None
        self.cut = False
        self.idle = False
        self.malformed = False
        self.input = environ["wsgi.input"]
        self.reader = self.input.reader
        self.socket = environ["gunicorn.socket"]
        self.since_yield = 0
        self.discarded = False
        self.ahead = b""

    def is_empty(self) -> bool:
        self.ahead = self.ahead or self.read()
        return not self.ahead

    def read(self) -> bytes:
        if self.ahead:
            ahead, self.ahead = self.ahead, b""
            return ahead
        if self.reader.parser is None:
            return b""
        if self.since_yield > YIELD_EVERY:
            self.since_yield = 0
            let_others_in()
        self.socket.settimeout(conf.UPLOADS_IDLE_TIMEOUT)
        try:
            send_100_continue(self)
            # One limit for the whole wait: chunk headers may arrive byte by byte without any data.
            with within(conf.UPLOADS_IDLE_TIMEOUT, TimeoutError()):
                piece: bytes = next(self.reader.parser)
        except StopIteration:
            self.reader.parser = None
            return b""
        except TimeoutError:
            self.idle = True
            return self._end()
        except Exception as problem:  # gunicorn's parse errors have no narrower base class
            if not _is_gunicorns(problem) and not isinstance(problem, OSError):
                raise
            self.malformed = _is_gunicorns(problem) and not _is_early_end(problem)
            return self._end()
        finally:
            if self.socket.fileno() >= 0:
                self.socket.settimeout(None)
        self.since_yield += len(piece) + PIECE_COST
        return piece or self.read()

    read_zero_copy = read

    def _end(self) -> bytes:
        self.cut = True
        close_after_answer(self.input)
        self.reader.parser = None
        return b""

    def trailer(self, name: str) -> str | None:
        fields: list[tuple[str, str]] = self.reader.req.trailers
        values = [value for field, value in fields if field == name.upper()]
        return ",".join(values) if values else None  # HTTP joins repeated fields

    def discard(self, close_connection: bool = False) -> None:
        self.discarded = close_connection or self.reader.parser is not None
        if self.discarded:
            close_after_answer(self.input)

    def drain(self) -> None:
        if self.discarded:
            discard_remaining(self.socket)


def _is_early_end(problem: Exception) -> bool:
    """Whether gunicorn only found an early end, within a chunk or before the last one."""
    return type(problem).__name__ == "NoMoreData" or getattr(problem, "term", None) == b""


def _is_gunicorns(problem: Exception) -> bool:
    return type(problem).__module__.startswith("gunicorn.")

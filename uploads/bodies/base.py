"""The interface of all request body readers, whatever the server."""

from typing import Protocol

from uploads.stores.pipe import Piece

SMALL_REST = 64 * 1024  # up to this many unread bytes, the connection is kept


class Body(Protocol):
    """A request body, read piece by piece; at most one buffer is in memory.

    A body that ends early is not an error: what arrived is delivered, and `cut` is set.

    Attributes:
        length: In bytes; None if not declared (Transfer-Encoding: chunked).
        cut: Set when it ended before it was complete.
        idle: Set when it was ended because no bytes came for UPLOADS_IDLE_TIMEOUT.
        malformed: Set when it was ended because its chunked framing is malformed.
        abandoned: Set by `discard` if the connection will be closed: `drain` takes a while.
    """

    length: int | None
    cut: bool
    idle: bool
    malformed: bool
    discarded: bool

    def is_empty(self) -> bool:
        """Whether no bytes follow; without a declared length, waits for the first byte."""

    def read(self) -> memoryview | bytes:
        """The next piece, valid until the next call; empty at the end."""

    def read_zero_copy(self) -> Piece:
        """Like `read`, for callers that only pass the bytes on: they may stay in the kernel (a
        pipe)."""

    def trailer(self, name: str) -> str | None:
        """A trailer field, once the body has been read; None if absent."""

    def discard(self, close_connection: bool = False) -> None:
        """Stop reading: the connection is closed after the response.

        Args:
            closes: Also if so little is unread that the connection could be kept.
        """

    def drain(self) -> None:
        """Called after the response is sent: lets a client that still sends receive it."""

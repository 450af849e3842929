"""What every reader of request bodies offers, whatever server it reads from."""

from typing import Protocol

from uploads.stores.pipe import Piece

SMALL_REST = 64 * 1024  # so little unread body does not cost the connection


class Body(Protocol):
    """A request body, delivered piece by piece; nothing larger than one buffer is held.

    A body that ends early is no error: what arrived is delivered, and `cut` tells.

    Attributes:
        length: Its length in bytes if announced, else None (Transfer-Encoding: chunked).
        cut: Set when it ended before it was whole.
        idle: Set when it was ended because it brought nothing for UPLOADS_IDLE_TIMEOUT.
        malformed: Set when it was ended because nobody can tell its bytes from their framing.
        abandoned: Set by `discard` where the connection is not used again: `drain` takes a while.
    """

    length: int | None
    cut: bool
    idle: bool
    malformed: bool
    discarded: bool

    def is_empty(self) -> bool:
        """Whether no byte comes; waits for the first one where no length is announced."""

    def read(self) -> memoryview | bytes:
        """The next piece, valid until the next call; empty at the end."""

    def read_zero_copy(self) -> Piece:
        """The next piece for somebody who only hands it on: it may stay in the kernel."""

    def trailer(self, name: str) -> str | None:
        """A field of the trailer section, once the body has been read; None: there is none."""

    def discard(self, close_connection: bool = False) -> None:
        """No more of it is wanted: the connection is not used again after the answer.

        Args:
            closes: Also where so little is unread that the connection would be kept.
        """

    def drain(self) -> None:
        """Called when the answer is out: let a client that still sends read it."""

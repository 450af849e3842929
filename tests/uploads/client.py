"""One client and its upload: how it begins, sends, and ends."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from tests.running import Site
from tests.uploads.conftest import ROOT, content, head, patch, patching
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask


@dataclass(frozen=True)
class Step:
    """One event.

    Attributes:
        kind: A method of the client.
        share: The share of the rest that the client means to send.
        sent: The share of that which it sends before something goes wrong.
        pause: Seconds of silence, if any.
        chunked: Whether the body has no declared length.
    """

    kind: str
    share: float
    sent: float
    pause: float
    chunked: bool


class Tally:
    """What happened, as text."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1


class Client:
    """One upload, and its client.

    Args:
        site: Where it goes.
        data: All of its bytes.
        tally: Where to count.
        headers: For the creation: metadata, or its role in a concatenation.
        defers: Whether the length is only sent with the last bytes.
        first: How many bytes are sent with the creation.
    """

    def __init__(
        self,
        site: Site,
        data: bytes,
        tally: Tally,
        headers: dict[str, str],
        defers: bool = False,
        first: int = 0,
    ) -> None:
        self.site = site
        self.data = data
        self.tally = tally
        self.headers = headers
        self.defers = defers
        self.first = first
        self.offset = 0
        self.create()

    def create(self) -> None:
        size = {"Upload-Defer-Length": "1"} if self.defers else {"Upload-Length": str(self.length)}
        body = self.data[: self.first]
        headers = {**TUS, **size, **self.headers}
        if body:
            headers |= {**DATA, "Content-Length": str(len(body))}
        answer = ask(self.site, "POST", ROOT, headers, body)
        assert answer.status == 201, (answer.status, answer.body)
        self.path = str(answer.headers["Location"])
        self.offset = answer.offset if body else 0
        assert self.offset == len(body)

    @property
    def length(self) -> int:
        return len(self.data)

    def live(self, steps: list[Step]) -> None:
        """All steps, and then what any client does: get the offset, and send the rest."""
        for step in steps:
            self.tally.count(step.kind)
            getattr(self, step.kind)(step)
            self.look(self.offset, self.offset)
        while True:
            size = max(1, (self.length - self.offset + 1) // 2)
            last = self.offset + size >= self.length
            said = {"Upload-Length": str(self.length)} if self.defers and last else {}
            piece = self.data[self.offset : self.offset + size]
            self.accepted(patch(self.site, self.path, self.offset, piece, **said), len(piece))
            if self.offset == self.length:
                break
        self.look(self.length, self.length)
        assert content(self.site, self.path) == self.data

    def look(self, least: int, most: int) -> None:
        answer = head(self.site, self.path)
        assert answer.status == 200
        assert least <= answer.offset <= most, (least, answer.offset, most)
        self.offset = answer.offset

    def accepted(self, answer: Answer, count: int) -> None:
        """The request was valid, so all of it is held."""
        assert answer.status == 204, (answer.status, answer.body)
        self.offset += count
        assert answer.offset == self.offset

    def piece(self, step: Step) -> bytes:
        """The bytes that the client means to send; never the last byte of a deferred upload."""
        rest = self.length - self.offset - self.defers
        return self.data[self.offset : self.offset + round(step.share * max(0, rest))]

    def begin(self, wire: Wire, piece: bytes, step: Step, unsent: int = 0, **headers: str) -> int:
        """The first part of a PATCH; returns how many bytes were sent.

        Args:
            wire: Where to send it.
            piece: The bytes.
            step: How.
            unsent: How many more bytes than these are declared.
            headers: More of them.
        """
        length = None if step.chunked else len(piece) + unsent
        wire.head("PATCH", self.path, patching(self.offset, length, **headers))
        part = piece[: round(step.sent * len(piece))]
        if step.chunked and part:
            wire.chunk(part)
        elif part:
            wire.send(part)
        return len(part)

    def end(self, wire: Wire, piece: bytes, step: Step, count: int) -> Answer:
        """The rest of the PATCH, and its response."""
        rest = piece[count:]
        if step.chunked:
            if rest:
                wire.chunk(rest)
            wire.chunk(b"")
        else:
            wire.send(rest)
        return wire.answer()

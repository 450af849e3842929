"""Many small requests on connections that stay open, from one process."""

from __future__ import annotations

import selectors
import socket
import time
from typing import Any

from bench.wire import Answer, Target, parse, receive

BODY = b"a small upload, of just so many bytes. ".ljust(1024, b".")
HEAD_LENGTH = 2 * len(BODY)
PATIENCE = 10.0  # seconds that requests on the way may take at the end


class Client:
    """One connection; the next request follows each response at once."""

    def __init__(self, target: Target, tally: Tally) -> None:
        self.target = target
        self.tally = tally
        self.connection: socket.socket = target.connect(PATIENCE)
        self.method = ""
        self.sent = 0.0
        self.buffer = b""

    def begin(self) -> None:
        """The first request of a unit of work."""
        raise NotImplementedError

    def follow(self, answer: Answer) -> None:
        """What follows a response."""
        raise NotImplementedError

    def send(self, method: str, request: bytes) -> None:
        """Sends a request; such a short one always fits into the socket."""
        self.method = method
        self.buffer = b""
        self.sent = time.perf_counter()
        self.connection.sendall(request)

    def on_bytes(self) -> None:
        """The socket has data."""
        piece = self.connection.recv(65536)
        if not piece:
            raise ConnectionError(f"closed while {self.method} was unanswered")
        self.buffer += piece
        answer = parse(self.buffer, self.method == "HEAD")
        if answer:
            self.tally.note(self.method, time.perf_counter() - self.sent)
            self.follow(answer)

    def expect(self, answer: Answer, status: int, offset: int | None) -> None:
        """Records an unexpected response."""
        if answer.status != status or offset not in (None, answer.offset):
            self.tally.fail(f"{self.method}: {answer.status} {answer.head[:300]!r}")


class CreateAndPatch(Client):
    """POST, then PATCH of 1 KiB."""

    def __init__(self, target: Target, tally: Tally) -> None:
        super().__init__(target, tally)
        self.post = target.create(len(BODY))
        self.patch_rest = target.patch_rest(0, len(BODY)) + BODY

    def begin(self) -> None:
        self.send("POST", self.post)

    def follow(self, answer: Answer) -> None:
        if self.method == "POST":
            self.expect(answer, 201, None)
            self.send("PATCH", b"PATCH " + answer.place + self.patch_rest)
        else:
            self.expect(answer, 204, len(BODY))
            self.tally.done(self)


class CreateWithUpload(Client):
    """POST that brings its 1 KiB along."""

    def __init__(self, target: Target, tally: Tally) -> None:
        super().__init__(target, tally)
        self.post = target.create(len(BODY), len(BODY)) + BODY

    def begin(self) -> None:
        self.send("POST", self.post)

    def follow(self, answer: Answer) -> None:
        self.expect(answer, 201, len(BODY))
        self.tally.done(self)


class Resume(Client):
    """HEAD, again and again, of an upload that holds its first half."""

    def __init__(self, target: Target, tally: Tally) -> None:
        super().__init__(target, tally)
        self.connection.sendall(target.create(HEAD_LENGTH))
        place = receive(self.connection).place
        self.connection.sendall(target.patch(place, 0, len(BODY)) + BODY)
        receive(self.connection)
        self.request = target.head(place)

    def begin(self) -> None:
        self.send("HEAD", self.request)

    def follow(self, answer: Answer) -> None:
        self.expect(answer, 200, len(BODY))
        self.tally.done(self)


class Tally:
    """Counts finished work, until the time is over."""

    def __init__(self) -> None:
        self.until = 0.0
        self.count = 0
        self.working: set[Client] = set()
        self.latencies: dict[str, list[float]] = {}
        self.errors: list[str] = []

    def note(self, method: str, seconds: float) -> None:
        """A request was answered."""
        self.latencies.setdefault(method, []).append(seconds)

    def fail(self, problem: str) -> None:
        """A response was unexpected."""
        self.errors.append(problem)

    def done(self, client: Client) -> None:
        """A unit of work is done: starts the next one, while there is time."""
        self.count += 1
        if time.perf_counter() < self.until:
            client.begin()
        else:
            self.working.discard(client)


WORK = {"post-patch": CreateAndPatch, "with-upload": CreateWithUpload, "head": Resume}


def load(specification: dict[str, Any]) -> dict[str, Any]:
    """`connections` clients doing `work` for `seconds`.

    Returns:
        `count` pieces of work in `wall` seconds, `requests`, latencies in ms by method, `errors`.
    """
    target = Target.of(specification)
    tally = Tally()
    kind = WORK[specification["work"]]
    clients = [kind(target, tally) for _ in range(specification["connections"])]
    started = time.perf_counter()
    tally.until = started + specification["seconds"]
    drive(clients, tally)
    wall = time.perf_counter() - started
    for client in clients:
        client.connection.close()
    return {
        "count": tally.count,
        "wall": wall,
        "requests": sum(len(series) for series in tally.latencies.values()),
        "latency": {name: spread(series) for name, series in tally.latencies.items()},
        "errors": len(tally.errors),
        "first_error": tally.errors[0] if tally.errors else "",
    }


def drive(clients: list[Client], tally: Tally) -> None:
    """Handles sockets as they become readable, until all work is done."""
    with selectors.DefaultSelector() as selector:
        tally.working = set(clients)
        for client in clients:
            selector.register(client.connection, selectors.EVENT_READ, client)
            client.begin()
        while tally.working and time.perf_counter() < tally.until + PATIENCE:
            for key, _ in selector.select(1):
                client = key.data
                try:
                    client.on_bytes()
                except OSError as problem:
                    tally.fail(str(problem))
                    tally.working.discard(client)
                    selector.unregister(client.connection)
        for client in tally.working:
            tally.fail(f"{client.method} was not answered within {PATIENCE} s")


def spread(series: list[float]) -> dict[str, float]:
    """Median and 99th percentile, in ms."""
    ordered = sorted(series)
    return {
        "p50": 1000 * ordered[len(ordered) // 2],
        "p99": 1000 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
    }

"""Many clients on slow connections: each sends its upload a small piece at a time."""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

from bench.load.small import spread
from bench.wire import Target, parse

TICK = 0.005  # seconds: what is due within one is sent together
RETRY = 0.1  # seconds until a socket without room is tried again


class Drip:
    """One slow client: POST, then one PATCH whose body comes piece by piece."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.connection = socket.socket()
        self.began = time.perf_counter()
        self.last_sent = 0.0
        self.body_began = 0.0
        self.sent = 0
        self.state = "connecting"
        self.buffer = b""
        self.post_seconds = 0.0
        self.answer_seconds = 0.0
        self.whole_seconds = 0.0
        self.problem = ""

    def begin(self) -> None:
        """Connects, without waiting for it."""
        self.connection.setblocking(False)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.connect_ex((self.crowd.target.host, self.crowd.target.port))
        self.crowd.selector.register(self.connection, selectors.EVENT_WRITE, self)

    def on_ready(self) -> None:
        """The socket is connected, or has data to read."""
        if self.state == "connecting":
            self.crowd.selector.modify(self.connection, selectors.EVENT_READ, self)
            self.connection.send(self.crowd.target.create(self.crowd.size))
            self.state = "creating"
            return
        piece = self.connection.recv(65536)
        if not piece:
            raise ConnectionError(f"closed while {self.state}")
        self.buffer += piece
        answer = parse(self.buffer)
        if answer is None:
            return
        now = time.perf_counter()
        self.buffer = b""
        if self.state == "creating":
            if answer.status != 201:
                raise ConnectionError(f"POST: {answer.status}")
            self.post_seconds = now - self.began
            self.connection.send(self.crowd.target.patch(answer.place, 0, self.crowd.size))
            self.state = "dripping"
            self.body_began = now
            self.crowd.wake(now, self)
            return
        if answer.status != 204 or answer.offset != self.crowd.size:
            raise ConnectionError(f"PATCH: {answer.status} at {answer.offset}")
        self.state = "served"
        self.answer_seconds = now - self.last_sent
        self.whole_seconds = now - self.began
        self.leave()

    def on_time(self) -> None:
        """Sends what is due by now."""
        now = time.perf_counter()
        if self.state == "connecting":
            self.begin()
            return
        if self.state != "dripping":
            return
        crowd = self.crowd
        due = 1 + int((now - self.body_began) / crowd.every + 1e-6)
        size = min(crowd.size, due * crowd.piece)
        try:
            self.sent += self.connection.send(crowd.body[self.sent : size])
        except BlockingIOError:
            crowd.wake(now + RETRY, self)
            return
        if self.sent < crowd.size:
            crowd.wake(self.body_began + due * crowd.every, self)
        else:
            self.last_sent = now
            self.state = "awaiting the answer"

    def leave(self) -> None:
        """Closes; nothing more is sent."""
        self.crowd.selector.unregister(self.connection)
        self.connection.close()
        self.crowd.left += 1


class Crowd:
    """All slow clients, driven by one loop."""

    def __init__(self, specification: dict[str, Any]) -> None:
        self.target = Target.of(specification)
        self.piece: int = specification["piece"]
        self.every: float = specification["every"]
        self.pieces = round(specification["seconds"] / self.every)
        self.size = self.piece * self.pieces
        self.body = memoryview(b"drip.".ljust(self.size, b"."))
        self.selector = selectors.DefaultSelector()
        self.numbers = itertools.count()
        self.due: list[tuple[float, int, Drip]] = []
        self.left = 0

    def wake(self, when: float, client: Drip) -> None:
        """Call the client's `on_time` then."""
        heapq.heappush(self.due, (when, next(self.numbers), client))

    def drive(self, clients: list[Drip], until: float) -> None:
        """Runs until all clients are done."""
        while self.left < len(clients):
            now = time.perf_counter()
            if now > until:
                break
            while self.due and self.due[0][0] <= now:
                self.attend(heapq.heappop(self.due)[2], Drip.on_time)
            for key, _ in self.selector.select(TICK):
                self.attend(key.data, Drip.on_ready)
            spare = now + TICK - time.perf_counter()
            if spare > 0:
                time.sleep(spare)  # otherwise every response would need a separate round

    def attend(self, client: Drip, what: Callable[[Drip], None]) -> None:
        """Lets a client act; an error ends it."""
        try:
            what(client)
        except OSError as problem:
            client.problem = f"{client.state}: {problem}"
            client.leave()


def load(specification: dict[str, Any]) -> dict[str, Any]:
    """`clients` of them, begun over `ramp` seconds, each dripping for `seconds`.

    A client is in time if all of it, from its first packet to the last answer, took no more than
    `seconds` and `slack`.
    """
    crowd = Crowd(specification)
    started = time.perf_counter()
    clients = [Drip(crowd) for _ in range(specification["clients"])]
    for number, client in enumerate(clients):
        client.began = started + number * specification["ramp"] / len(clients)
        crowd.wake(client.began, client)
    longest = specification["ramp"] + specification["seconds"] + specification["patience"]
    crowd.drive(clients, started + longest)
    served = [client for client in clients if client.state == "served"]
    limit = specification["seconds"] + specification["slack"]
    problems = [client.problem or f"never answered: {client.state}" for client in clients]
    failed = [text for client, text in zip(clients, problems, strict=True) if client not in served]
    return {
        "wall": time.perf_counter() - started,
        "served": len(served),
        "in_time": sum(client.whole_seconds <= limit for client in served),
        "errors": len(failed),
        "first_error": failed[0] if failed else "",
        "size": crowd.size,
        "post": spread([client.post_seconds for client in served]) if served else {},
        "answer": spread([client.answer_seconds for client in served]) if served else {},
    }

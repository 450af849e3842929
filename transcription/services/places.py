"""Limits concurrent work, and serves waiting owners in turn.

Under gevent the waits are cooperative, in threads they are plain.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from uploads.errors import TooManyRequests, Unavailable

PLACE_POLL_SECONDS = 0.25
"""Seconds between two checks whether the client is still connected."""


class ClientDisconnected(Exception):
    """The client has disconnected."""


class Waiter:
    """A request that waits for a place, or has one.

    Args:
        turn: The owner, as in `Job.turn`.
    """

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self.came = time.monotonic()
        self.has_place = threading.Event()


class Places:
    """The places of this process, shared among owners.

    An owner has at most `each` places, and more than one only while more than half of all are free:
    an owner with many long recordings leaves places to others. The next place goes to the waiting
    owner with the fewest places; among equals, to the one whose last place is longest ago.

    Args:
        count: The number of places.
        each: The most places of one owner.
        most_waiting: The most waiting requests in all; one owner may have three quarters of that,
            and a quarter while others wait.
    """

    def __init__(self, count: int, each: int, most_waiting: int) -> None:
        self._count, self._each, self._most_waiting = count, each, most_waiting
        self._free = count
        self._held: Counter[str] = Counter()
        self._served: dict[str, float] = {}
        self._waiting: list[Waiter] = []
        self._lock = threading.Lock()

    def check(self, turn: str) -> None:
        """Refuses one more waiting request if too many wait.

        Raises:
            TooManyRequests: Too many of this owner wait.
            Unavailable: Too many wait in all.
        """
        others = any(waiter.turn != turn for waiter in self._waiting)
        others = others or any(count for owner, count in self._held.items() if owner != turn)
        theirs = sum(waiter.turn == turn for waiter in self._waiting)
        if theirs >= self._most_waiting * (1 if others else 3) // 4:
            raise TooManyRequests(
                "Too many of your recordings are waiting to be read. Send this one again later.", 30
            )
        if len(self._waiting) >= self._most_waiting:
            raise Unavailable("Too many recordings are waiting to be read. Try again shortly.", 30)

    @contextmanager
    def taken(self, turn: str, is_unwanted: Callable[[], bool]) -> Iterator[None]:
        """Holds a place, as soon as there is one.

        Raises:
            ClientDisconnected: The client has disconnected.
            TooManyRequests, Unavailable: See `check`.
        """
        waiter = self._enter(turn)
        try:
            while not waiter.has_place.wait(PLACE_POLL_SECONDS):
                if is_unwanted():
                    raise ClientDisconnected
            yield
        finally:
            self._leave(waiter)

    def _enter(self, turn: str) -> Waiter:
        with self._lock:
            self.check(turn)
            waiter = Waiter(turn)
            self._waiting.append(waiter)
            self._share_out()
            return waiter

    def _leave(self, waiter: Waiter) -> None:
        with self._lock:
            if waiter.has_place.is_set():
                self._free += 1
                self._held[waiter.turn] -= 1
            else:
                self._waiting.remove(waiter)
            self._share_out()
            self._forget(waiter.turn)

    def _share_out(self) -> None:
        while able := [waiter for waiter in self._waiting if self._may_have(waiter.turn)]:
            chosen = min(able, key=self._rank)
            self._waiting.remove(chosen)
            self._free -= 1
            self._held[chosen.turn] += 1
            self._served[chosen.turn] = time.monotonic()
            chosen.has_place.set()

    def _may_have(self, turn: str) -> bool:
        held = self._held[turn]
        if held == 0:
            return self._free > 0
        return held < self._each and self._free > self._count // 2

    def _rank(self, waiter: Waiter) -> tuple[int, float, float]:
        since = max(waiter.came, self._served.get(waiter.turn, waiter.came))
        return self._held[waiter.turn], since, waiter.came

    def _forget(self, turn: str) -> None:
        if not self._held[turn]:
            del self._held[turn]
            if all(waiter.turn != turn for waiter in self._waiting):
                self._served.pop(turn, None)

"""Cooperative multitasking: under gevent all requests of a process share a thread.

Code that works for long yields to other requests. Any app may use this; it imports nothing of ours.
"""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

LONGEST_TURN = 0.005  # seconds for the other requests, if they never finish
WORK_SECONDS = 0.002  # seconds of one request in a row; dozens may be working


def under_gevent() -> bool:
    """Whether the sockets of this process are gevent's."""
    monkey = sys.modules.get("gevent.monkey")
    return bool(monkey and monkey.is_module_patched("socket"))


def let_others_in() -> None:
    """Runs everything that is ready, within a time limit.

    gevent's sleep(0) isn't enough: it returns up to a thousand times before the loop checks the
    network. Measured, other requests then waited a second for one that works 2 ms in a row.
    """
    if under_gevent():
        from gevent import Timeout, idle

        with Timeout(LONGEST_TURN, False):
            idle()


def pause(seconds: float) -> None:
    """Lets other requests run for that time; where each has its own thread, they run anyway."""
    if under_gevent():
        from gevent import sleep

        sleep(seconds)


def within(seconds: float, problem: BaseException) -> AbstractContextManager[Any]:
    """Raises the error if the block takes longer, however its waits are split.

    Only under gevent: elsewhere a wait can't be interrupted.
    """
    if not under_gevent():
        return nullcontext()
    from gevent import Timeout

    bound: AbstractContextManager[Any] = Timeout(seconds, problem)
    return bound


def outside(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls something slow (fsync) in a thread where it doesn't block other requests."""
    if not under_gevent():
        return function(*arguments)
    from gevent import get_hub

    return get_hub().threadpool.apply(function, arguments)


class Pacer:
    """Yields to other requests after its caller has worked for a while; call it between steps.

    Args:
        seconds: The time to work before yielding.
        before: Called before yielding.
    """

    def __init__(
        self, seconds: float = WORK_SECONDS, before: Callable[[], None] = lambda: None
    ) -> None:
        self.seconds = seconds
        self.before = before
        self.until = time.monotonic() + seconds

    def __call__(self) -> None:
        if time.monotonic() >= self.until:
            self.before()
            let_others_in()
            self.until = time.monotonic() + self.seconds

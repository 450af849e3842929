"""Cooperative multitasking: under gevent all requests of a process share a thread.

Code that works for long lets the others in. Any app may use this; it imports nothing of ours.
"""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

LONGEST_TURN = 0.005  # seconds that the others may have, where they never stop
WORK_SECONDS = 0.002  # of one request in a row; some dozens of them may be at it


def _under_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return bool(monkey and monkey.is_module_patched("socket"))


def let_others_in() -> None:
    """Let all run that wait for nothing more, but not for ever.

    gevent's sleep(0) would not do: it comes back, up to a thousand times, before the loop looks at
    the network again. Measured, others then waited a second for one that works 2 ms in a row.
    """
    if _under_gevent():
        from gevent import Timeout, idle

        with Timeout(LONGEST_TURN, False):
            idle()


def pause(seconds: float) -> None:
    """Let other requests run for so long; where each has a thread of its own, they do anyway."""
    if _under_gevent():
        from gevent import sleep

        sleep(seconds)


def within(seconds: float, problem: BaseException) -> AbstractContextManager[Any]:
    """Raise the problem where what is done in here takes longer, however its waiting is cut up.

    Only under gevent: elsewhere nothing can be called back from its waiting.
    """
    if not _under_gevent():
        return nullcontext()
    from gevent import Timeout

    bound: AbstractContextManager[Any] = Timeout(seconds, problem)
    return bound


def outside(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what may take long (fsync) where it does not stop the others."""
    if not _under_gevent():
        return function(*arguments)
    from gevent import get_hub

    return get_hub().threadpool.apply(function, arguments)


class Pacer:
    """Lets others in each time that its caller has worked for a while; called between its steps.

    Args:
        seconds: So long.
        before: Called before others are let in.
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

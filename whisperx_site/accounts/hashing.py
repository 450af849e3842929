"""Password hashing with limited concurrency, outside of the request loop.

Hashing a password takes half a second of CPU time, on purpose. In a process whose requests share
one thread (gevent), all of them would wait, and three anonymous logins a second would keep two CPUs
fully busy.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest, HttpResponse

from whisperx_site.views import problem

T = TypeVar("T")
PLACES = 2  # passwords that one process hashes at once
NICENESS = 5  # the same as the engine: requests go first
RETRY_AFTER = 2  # seconds

_places = threading.BoundedSemaphore(PLACES)


class NoPlace(Exception):
    """The maximum number of passwords is being hashed."""


def directly(work: Callable[[], T]) -> T:
    """Runs in the caller's thread."""
    return work()


def in_own_thread(work: Callable[[], T]) -> T:
    """Runs in a system thread, while gevent's greenlets continue: OpenSSL releases the GIL."""
    from gevent import get_hub

    done: T = get_hub().threadpool.apply(_modestly, (work,))
    return done


def _modestly(work: Callable[[], T]) -> T:
    if sys.platform == "linux":  # where threads have priorities
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return work()


def require_place() -> None:
    """Checks for a place, before work that a refusal would waste.

    Raises:
        NoPlace: All are taken.
    """
    if not _places.acquire(blocking=False):
        raise NoPlace
    _places.release()


class PlacedPasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher, for all logins (known and unknown names) and new passwords.

    Attributes:
        run: How to run the hashing; the gevent worker sets `in_own_thread`.
    """

    run: Callable[[Callable[[], str]], str] = staticmethod(directly)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if not _places.acquire(blocking=False):
            raise NoPlace
        hash_it = super().encode
        try:
            return self.run(lambda: hash_it(password, salt, iterations))
        finally:
            _places.release()


class HashingPlacesMiddleware:
    """Turns NoPlace into 429, whichever view wanted to hash a password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, NoPlace):
            return None
        response = problem(
            request,
            429,
            "Too many passwords are being checked at this moment. Wait a few seconds, then go back "
            "and try again.",
        )
        response["Retry-After"] = str(RETRY_AFTER)
        return response

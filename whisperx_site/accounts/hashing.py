"""Password hashing in few places, beside the requests and not in their way.

To hash a password takes half a second of a processor, on purpose. Where all requests of a process
share one thread (gevent), each of them would wait so long; and where anybody may ask for it, three
logins a second would keep two processors busy with nothing else.
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
NICENESS = 5  # as much as the engine: a processor is first for those who answer requests
RETRY_AFTER = 2  # seconds, in which each place serves several people

_places = threading.BoundedSemaphore(PLACES)


class NoPlace(Exception):
    """As many passwords as may be are being hashed at this moment."""


def directly(work: Callable[[], T]) -> T:
    """Do it in the caller's thread, which holds up no other."""
    return work()


def in_own_thread(work: Callable[[], T]) -> T:
    """Do it in a thread of the system, while gevent's greenlets go on: OpenSSL needs no GIL."""
    from gevent import get_hub

    done: T = get_hub().threadpool.apply(_modestly, (work,))
    return done


def _modestly(work: Callable[[], T]) -> T:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return work()


def require_place() -> None:
    """Look for a place before anything is done that a refusal would make useless.

    Raises:
        NoPlace: There is none.
    """
    if not _places.acquire(blocking=False):
        raise NoPlace
    _places.release()


class PlacedPasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher, for every door: logins of known and unknown names, new passwords.

    Attributes:
        run: How the work is done; the gevent worker sets `in_own_thread`.
    """

    run: Callable[[Callable[[], str]], str] = staticmethod(directly)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash.

        Raises:
            NoPlace: At once; to queue would make everybody wait, and them for nothing.
        """
        if not _places.acquire(blocking=False):
            raise NoPlace
        hash_it = super().encode
        try:
            return self.run(lambda: hash_it(password, salt, iterations))
        finally:
            _places.release()


class HashingPlacesMiddleware:
    """Turns NoPlace into 429, whichever view wanted a password hashed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer; nothing has been changed."""
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

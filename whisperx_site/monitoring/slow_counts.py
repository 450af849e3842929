"""Figures that need a look at all rows of a table, kept for a while.

A query of SQLite blocks all requests of its process, so a web server with greenlets runs them in a
thread of its own.
"""

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache
from django.db import connection, connections

from whisperx_site.accounts.hashing import in_own_thread
from whisperx_site.serving.sqlite_pool.base import pool

T = TypeVar("T")
A_MINUTE = 60.0


def kept(name: str, seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, or one from the last so many seconds."""
    key = f"monitoring.{name}"
    known: T | None = cache.get(key)
    if known is None:
        known = apart(work)
        cache.set(key, known, seconds)
    return known


def apart(work: Callable[[], T]) -> T:
    """Runs queries where they block no other request."""

    def in_thread() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    if connection.vendor == "sqlite" and pool.on:
        return in_own_thread(in_thread)
    return work()

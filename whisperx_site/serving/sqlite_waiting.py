"""Waiting for SQLite's write lock in a process whose requests share one thread (gevent).

SQLite waits by itself, but within a call that stops all other requests, too: one writer that takes
its time would make everybody wait, one after the other, also those who only read. So it is told not
to wait, and what it refuses is tried again while the others go on.
"""

import sqlite3
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from gevent import sleep
from gevent.lock import Semaphore

PATIENCE = 10.0  # seconds; a client is told to come back then
# Seconds between attempts: as a rule somebody has the lock for less than a millisecond.
PAUSES = (*repeat(0.001, 20), *repeat(0.005, 20), 0.02)  # the last one again and again
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)

# Who was refused stands in line: of those who wait one asks, and who came first is served first.
_line = Semaphore(1)


def install() -> None:
    """Let every connection to SQLite that this process makes wait like this."""
    connection_created.connect(_wait_outside, dispatch_uid="whisperx_site.serving.sqlite_waiting")


def _wait_outside(connection: BaseDatabaseWrapper, **unused: Any) -> None:
    if connection.vendor != "sqlite":
        return
    connection.connection.execute("PRAGMA busy_timeout = 0")
    if try_again not in connection.execute_wrappers:
        connection.execute_wrappers.append(try_again)


def try_again(execute: Callable[..., Any], sql: str, values: Any, many: bool, context: Any) -> Any:
    """Execute a statement; where somebody else writes, until it is done or patience ends.

    A statement that was refused has changed nothing. Within a transaction it is the first one, as
    transactions take the lock at their start.
    """
    try:
        return execute(sql, values, many, context)
    except OperationalError as problem:
        if not _is_busy(problem):
            raise
        deadline = time.monotonic() + PATIENCE
        if not _line.acquire(timeout=PATIENCE):
            raise
    try:
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            try:
                return execute(sql, values, many, context)
            except OperationalError as problem:
                if not _is_busy(problem) or time.monotonic() > deadline:
                    raise
            sleep(pause)
        raise AssertionError("the pauses never end")
    finally:
        _line.release()


def _is_busy(problem: OperationalError) -> bool:
    return getattr(problem.__cause__, "sqlite_errorcode", None) in BUSY

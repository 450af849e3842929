"""Waits for SQLite's write lock without blocking other requests of the process (gevent).

SQLite's own waiting blocks all requests of the process: one slow writer would make even readers
wait. So SQLite is configured not to wait, and refused statements are retried while other requests
continue.
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

PATIENCE = 10.0  # seconds; then the client is asked to retry later
# Seconds between attempts: usually the lock is held for less than a millisecond.
PAUSES = (*repeat(0.001, 20), *repeat(0.005, 20), 0.02)  # the last one repeats
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)

# Refused statements queue up: one of them retries, and the first is served first.
_line = Semaphore(1)


def install() -> None:
    connection_created.connect(_wait_outside, dispatch_uid="whisperx_site.serving.sqlite_waiting")


def _wait_outside(connection: BaseDatabaseWrapper, **unused: Any) -> None:
    if connection.vendor != "sqlite":
        return
    connection.connection.execute("PRAGMA busy_timeout = 0")
    if try_again not in connection.execute_wrappers:
        connection.execute_wrappers.append(try_again)


def try_again(execute: Callable[..., Any], sql: str, values: Any, many: bool, context: Any) -> Any:
    """Executes a statement, retrying while another connection writes, until the time is up.

    A refused statement has changed nothing. Within a transaction it is the first one, because
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

"""Django's SQLite backend for a web server: connections that are closed wait to be used again.

Each client of the server has a greenlet, and Django gives each greenlet a connection. One of SQLite
holds 170 KiB and takes 0.7 ms to open (both measured), so a thousand slow clients must not have one
each, nor may a request wait for a new one. While few are in use clients keep theirs; beyond that
each goes back when its request is answered, or waits for bytes.
"""

import os
from _thread import get_ident
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base

MOST_KEPT = 16  # by clients that do nothing at the moment, and as many that wait to be used again


class Pool:
    """The connections of this process. Off until a worker turns it on: none may survive a fork."""

    def __init__(self) -> None:
        self.on = False
        self.in_use = 0
        self.idle: list[Any] = []
        self.file: tuple[int, int] | None = None  # what the idle ones have open

    def renew(self, path: str) -> None:
        """Drop the idle connections where another file has come to the database's place."""
        try:
            found = os.stat(path)
            file = (found.st_dev, found.st_ino)
        except OSError:
            file = None
        if file != self.file:
            self.file = file
            while self.idle:
                self.idle.pop().close()


pool = Pool()


@lru_cache(maxsize=256)
def translated(query: str, names: tuple[str, ...] | None) -> str:
    """A statement with its places marked as SQLite's driver wants them."""
    convert = base.SQLiteCursorWrapper.convert_query
    return convert(None, query, param_names=names)  # type: ignore[arg-type]


class Cursor(base.SQLiteCursorWrapper):
    """Django translates a statement anew each time; for a short one that costs a fifth of it."""

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        """The same, remembered."""
        return translated(query, None if param_names is None else tuple(param_names))


class DatabaseWrapper(base.DatabaseWrapper):
    """See the module."""

    opened: tuple[int, int] | None = None  # the file that the connection has open

    def validate_thread_sharing(self) -> None:
        """Django asks a lock first, which costs more under gevent than the question itself."""
        if self._thread_ident != get_ident():  # type: ignore[attr-defined]
            super().validate_thread_sharing()

    def cursor(self) -> Any:
        """Django looks each time, twice, whether an event loop runs; behind WSGI none does."""
        return self._cursor()  # type: ignore[attr-defined]

    def ensure_connection(self) -> None:
        """Connect, if need be."""
        if self.connection is None:
            super().ensure_connection()

    def create_cursor(self, name: Any = None) -> Cursor:
        """A cursor of ours."""
        made: Cursor = self.connection.cursor(factory=Cursor)
        return made

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One that waits, or a new one."""
        pool.renew(conn_params["database"])
        connection = pool.idle.pop() if pool.idle else super().get_new_connection(conn_params)
        pool.in_use += 1
        self.opened = pool.file
        return connection

    def _close(self) -> None:
        if self.connection is None:
            return
        pool.in_use -= 1
        sound = not (self.errors_occurred or self.in_atomic_block or self.connection.in_transaction)
        current = self.opened == pool.file
        if pool.on and sound and current and len(pool.idle) < MOST_KEPT:
            pool.idle.append(self.connection)
        else:
            super()._close()  # type: ignore[misc]

    def close_if_unusable_or_obsolete(self) -> None:
        """Called at the end of each request: give it back if too many are in use."""
        super().close_if_unusable_or_obsolete()
        if pool.on and pool.in_use > MOST_KEPT and not self.in_atomic_block:
            self.close()

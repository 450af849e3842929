"""Django's SQLite backend for a web server: closed connections are pooled.

Each client of the server has a greenlet, and Django gives each greenlet a connection. An SQLite
connection takes 170 KiB and 0.7 ms to open (both measured), so a thousand slow clients must not
have one each, and requests should not wait for a new one. While few are in use, clients keep
theirs; otherwise each is returned when its request is answered, or waits for bytes.
"""

import os
from _thread import get_ident
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base

MOST_KEPT = 16  # connections of idle clients, and as many unused ones


class Pool:
    """The connections of this process. Off until a worker turns it on: none may survive a fork."""

    def __init__(self) -> None:
        self.on = False
        self.in_use = 0
        self.idle: list[Any] = []
        self.file: tuple[int, int] | None = None  # files that the idle connections have open

    def renew(self, path: str) -> None:
        """Closes idle connections if the database file was replaced."""
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
    """A statement with SQLite's placeholders."""
    convert = base.SQLiteCursorWrapper.convert_query
    return convert(None, query, param_names=names)  # type: ignore[arg-type]


class Cursor(base.SQLiteCursorWrapper):
    """Caches Django's translation of statements, a fifth of the cost of a short one."""

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        return translated(query, None if param_names is None else tuple(param_names))


class DatabaseWrapper(base.DatabaseWrapper):
    opened: tuple[int, int] | None = None  # the file that the connection has open

    def validate_thread_sharing(self) -> None:
        """Skips Django's lock, which costs more under gevent than the check itself."""
        if self._thread_ident != get_ident():  # type: ignore[attr-defined]
            super().validate_thread_sharing()

    def cursor(self) -> Any:
        """Skips Django's two checks for an event loop; WSGI has none."""
        return self._cursor()  # type: ignore[attr-defined]

    def ensure_connection(self) -> None:
        if self.connection is None:
            super().ensure_connection()

    def create_cursor(self, name: Any = None) -> Cursor:
        made: Cursor = self.connection.cursor(factory=Cursor)
        return made

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Takes an idle connection, or opens a new one."""
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
        """Called at the end of each request: returns it to the pool if too many are in use."""
        super().close_if_unusable_or_obsolete()
        if pool.on and pool.in_use > MOST_KEPT and not self.in_atomic_block:
            self.close()

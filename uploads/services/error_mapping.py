"""Maps errors of the store and the database to errors of the protocol."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError

from uploads.errors import DiskFull, Gone, OffsetConflict, Superseded, Unavailable
from uploads.services.maintenance import ballast
from uploads.services.maintenance.store_identity import identity_problem
from uploads.stores.base import FULL, Missing, OffsetMismatch, Removed, WriterSuperseded

logger = logging.getLogger(__name__)

POSTGRESQL_DISK_FULL = "53100"
# SQLite's words when a full disk stops it from creating or growing a file: its codes don't say.
SQLITE_PERHAPS_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
DISK_IS_FULL = "The server's disk is full. Free some space, or try again later."


@contextmanager
def map_store_errors() -> Iterator[None]:
    """Raises protocol errors in place of what the store raises."""
    try:
        yield
    except OffsetMismatch as problem:
        raise OffsetConflict from problem
    except Removed as problem:
        raise Gone from problem
    except Missing as problem:
        if identity_problem():  # it is in another store, and may come back
            raise Unavailable from problem
        raise Gone from problem
    except WriterSuperseded as problem:
        raise Superseded from problem
    except OSError as problem:
        if problem.errno in FULL:
            raise DiskFull from problem
        logger.warning("the store failed: %s", problem)
        raise Unavailable from problem


def database_fault(problem: DatabaseError) -> Unavailable:
    """Logs a database error and returns the error for the client."""
    if isinstance(problem, (OperationalError, InterfaceError)):
        logger.warning("the database failed: %s", str(problem).strip())
    else:
        logger.exception("the database rejected a query", exc_info=problem)
    return DiskFull(DISK_IS_FULL) if is_disk_full(problem) else Unavailable()


def is_disk_full(problem: BaseException | None) -> bool:
    """Whether a full disk is the cause of a database or store error."""
    if isinstance(problem, OSError):
        return problem.errno in FULL
    if not isinstance(problem, DatabaseError):
        return False
    driver = problem.__cause__
    if getattr(driver, "sqlstate", None) == POSTGRESQL_DISK_FULL:
        return True
    code = getattr(driver, "sqlite_errorcode", 0) & 0xFF  # without the extended part of the code
    return code == sqlite3.SQLITE_FULL or (code in SQLITE_PERHAPS_FULL and ballast.is_low())

"""What store and database could not do, said in the protocol's words."""

import errno
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError

from uploads.errors import DiskFull, Gone, OffsetConflict, Overtaken, Unavailable
from uploads.stores.base import Misplaced, Missing, Superseded

logger = logging.getLogger(__name__)

# No space, no quota, or no larger file: of this file system, or of this process.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
POSTGRESQL_DISK_FULL = "53100"


@contextmanager
def store_faults() -> Iterator[None]:
    """Turn what the store raises into refusals."""
    try:
        yield
    except Misplaced as problem:
        raise OffsetConflict from problem
    except Superseded as problem:
        raise Overtaken from problem
    except Missing as problem:
        raise Gone from problem
    except OSError as problem:
        if problem.errno in FULL:
            raise DiskFull from problem
        logger.warning("the store failed: %s", problem)
        raise Unavailable from problem


def database_fault(problem: DatabaseError) -> Unavailable:
    """The refusal that says what the database could not do, once it is in the log."""
    if isinstance(problem, (OperationalError, InterfaceError)):
        logger.warning("the database failed: %s", str(problem).strip())
    else:
        logger.exception("the database was asked for what it cannot do", exc_info=problem)
    driver = problem.__cause__
    full = getattr(driver, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    full = full or getattr(driver, "sqlstate", None) == POSTGRESQL_DISK_FULL
    return DiskFull() if full else Unavailable()

"""Checks whether requests can be served: for monitors, which ask often and don't wait long."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread

from django.db import DEFAULT_DB_ALIAS, Error, ProgrammingError, connections

from transcription.models import Job
from uploads.services.maintenance.store_identity import store_problem

PATIENCE = 3.0
"""Seconds after which a database that has not answered counts as down."""
GIVEN_UP_AFTER = 30.0
"""Seconds after which a hanging check is abandoned, and a new one is started."""


@dataclass(frozen=True)
class Readiness:
    """The result of a check.

    Attributes:
        has_database: Whether the database answers, with the tables of this site.
        problem: Why requests fail, in one sentence without paths and names; empty: they don't.
    """

    has_database: bool
    problem: str = ""


NO_DATABASE = Readiness(False, "The database doesn't answer.")
NO_TABLES = Readiness(
    False,
    "The database lacks tables of this site: run `manage.py serve` or `manage.py migrate`.",
)


class Look:
    """A check of database and store in its own thread, so that requests need not wait for it."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.found: Future[Readiness] = Future()
        Thread(target=self.run, name="readiness", daemon=True).start()

    def run(self) -> None:
        try:
            self.found.set_result(look())
        except BaseException as problem:  # noqa: BLE001  (raised to those who wait)
            self.found.set_exception(problem)

    @property
    def age(self) -> float:
        return time.monotonic() - self.began

    @property
    def is_of_use(self) -> bool:
        """Whether new requests may wait for it."""
        return not self.found.done() and self.age < GIVEN_UP_AFTER


_lock = Lock()
_current: Look | None = None


def readiness() -> Readiness:
    """Checks, or waits for the check of another request: many monitors cost one check."""
    global _current
    with _lock:
        if _current is None or not _current.is_of_use:
            _current = Look()
        mine = _current
    try:
        return mine.found.result(timeout=max(PATIENCE - mine.age, 0))
    except TimeoutError:
        return NO_DATABASE


def look() -> Readiness:
    """The problem of the database, else of the upload store."""
    try:
        with own_connection():
            Job.objects.exists()  # only the existence of the table matters
            problem = store_problem(join=False)
    except ProgrammingError:
        return NO_TABLES
    except Error as fault:
        return NO_TABLES if "no such table" in str(fault) else NO_DATABASE
    return Readiness(True, problem.reason if problem else "")


@contextmanager
def own_connection() -> Iterator[None]:
    """A connection for this thread with a short timeout; pooled connections wait longer."""
    own = connections[DEFAULT_DB_ALIAS].copy()
    options = own.settings_dict["OPTIONS"]
    options.pop("pool", None)
    options["timeout" if own.vendor == "sqlite" else "connect_timeout"] = int(PATIENCE)
    connections[DEFAULT_DB_ALIAS] = own
    try:
        yield
    finally:
        own.close()

"""The database may be away for a while: what is to be kept of a job's work waits for it."""

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

logger = logging.getLogger(__name__)

LONGEST = 3600.0
"""Seconds after which even a transcript that took hours is given up; the job then runs again."""
PAUSE = 1.0  # seconds between attempts

P = ParamSpec("P")
T = TypeVar("T")


def retry_on_db_error(action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it now, or as soon as the database answers.

    The action must be repeatable: whether an interrupted attempt did it, nobody can tell.
    """
    deadline = time.monotonic() + LONGEST
    while True:
        try:
            return action(*args, **kwargs)
        except (OperationalError, InterfaceError) as problem:
            if time.monotonic() > deadline:
                raise
            logger.warning("the database does not answer, waiting for it: %s", problem)
        close_old_connections()
        time.sleep(PAUSE)

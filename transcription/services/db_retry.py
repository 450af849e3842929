"""Retries when the database is down: a job's results wait for it."""

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

logger = logging.getLogger(__name__)

LONGEST = 3600.0
"""Seconds after which even a transcript that took hours is dropped; the job then runs again."""
PAUSE = 1.0  # seconds between attempts

P = ParamSpec("P")
T = TypeVar("T")


def retry_on_db_error(action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls the action now, or as soon as the database answers.

    The action must be repeatable: an interrupted attempt may have succeeded.
    """
    deadline = time.monotonic() + LONGEST
    while True:
        try:
            return action(*args, **kwargs)
        except (OperationalError, InterfaceError) as problem:
            if time.monotonic() > deadline:
                raise
            logger.warning("the database doesn't answer, waiting for it: %s", problem)
        close_old_connections()
        time.sleep(PAUSE)

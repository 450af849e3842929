"""The site's queue, by the name in UPLOADS_QUEUE: it runs the cleanup in the background.

It is optional: without a queue, cron calls `manage.py cleanup_uploads`, and the admin's button
cleans up at once.
"""

from functools import lru_cache
from typing import Protocol

from django.db.models import Model
from django.utils.module_loading import import_string

from uploads.conf import conf


class Queue(Protocol):
    """Runs `uploads.tasks.cleanup` soon, or regularly."""

    def enqueue_cleanup(self, trigger: str, confirmed: int) -> None:
        """Queues a call of `uploads.tasks.cleanup` with these arguments."""

    def declare_schedule(self) -> None:
        """Schedules regular cleanups; called after each migration, so it must be repeatable."""

    def schedule(self) -> Model | None:
        """The schedule's row, for staff; None if there is none."""


@lru_cache(maxsize=8)
def _make(class_name: str) -> Queue:
    made: Queue = import_string(class_name)()
    return made


def queue() -> Queue | None:
    """The site's queue; None if it has none."""
    return _make(conf.UPLOADS_QUEUE) if conf.UPLOADS_QUEUE else None

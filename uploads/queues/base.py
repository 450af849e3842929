"""The site's queue, by the name in UPLOADS_QUEUE: it runs the cleanup without a request waiting.

Nothing depends on one: without a queue cron calls `manage.py cleanup_uploads`, and the admin's
button cleans up at once.
"""

from functools import lru_cache
from typing import Protocol

from django.db.models import Model
from django.utils.module_loading import import_string

from uploads.conf import conf


class Queue(Protocol):
    """What runs `uploads.tasks.cleanup` soon, or every so often."""

    def enqueue_cleanup(self, trigger: str, confirmed: int) -> None:
        """Let a worker call `uploads.tasks.cleanup` with these arguments, soon."""

    def declare_schedule(self) -> None:
        """Let the cleanup run every so often; called after each migration, so safe to repeat."""

    def schedule(self) -> Model | None:
        """The row that says how often it runs, for staff to look at; None where there is none."""


@lru_cache(maxsize=8)
def _make(class_name: str) -> Queue:
    made: Queue = import_string(class_name)()
    return made


def queue() -> Queue | None:
    """The site's queue; None if it has none."""
    return _make(conf.UPLOADS_QUEUE) if conf.UPLOADS_QUEUE else None

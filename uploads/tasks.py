"""The functions that a queue runs for `uploads`, by these names, and how they are queued."""

from uploads.queues.base import queue
from uploads.services.maintenance.cleanup import clean_up


def cleanup(trigger: str = "schedule", confirmed: int = 0) -> None:
    """A scheduled cleanup; see `clean_up`."""
    clean_up(trigger, confirmed=confirmed)


def enqueue_cleanup(trigger: str, confirmed: int = 0) -> bool:
    """Queues a cleanup in the site's queue.

    Returns:
        Whether the site has a queue; without one nothing happens.
    """
    site_queue = queue()
    if site_queue is None:
        return False
    site_queue.enqueue_cleanup(trigger, confirmed)
    return True


def declare_schedules() -> None:
    """Schedules the cleanup in the site's queue."""
    site_queue = queue()
    if site_queue is not None:
        site_queue.declare_schedule()

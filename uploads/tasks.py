"""The functions that the queue runs for `uploads`, and their schedule."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from uploads.services.maintenance.cleanup import clean_up

CLEANUP = "uploads: cleanup"


def cleanup(trigger: str = "schedule", confirmed: int = 0) -> None:
    """A scheduled cleanup; see `clean_up`."""
    clean_up(trigger, confirmed=confirmed)


def enqueue_cleanup(trigger: str, confirmed: int = 0) -> None:
    """Queues a cleanup for the housekeeping worker."""
    async_task("uploads.tasks.cleanup", trigger, confirmed, task_name="cleanup")


def declare_schedules() -> None:
    """Creates the schedule if it doesn't exist; staff may have changed its interval."""
    # Names are not unique in the queue: staff may have created a second one.
    if Schedule.objects.filter(name=CLEANUP).exists():
        return
    Schedule.objects.create(
        name=CLEANUP,
        func="uploads.tasks.cleanup",
        schedule_type=Schedule.MINUTES,
        minutes=10,
        next_run=timezone.now() + timedelta(minutes=10),
    )

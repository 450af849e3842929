"""What the queue runs for `uploads`, and how it gets there."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from uploads.services.maintenance.cleanup import clean_up

CLEANUP = "uploads: cleanup"


def cleanup(trigger: str = "schedule", confirmed: int = 0) -> None:
    """One run of the cleanup; see `clean_up`."""
    clean_up(trigger, confirmed=confirmed)


def enqueue_cleanup(trigger: str, confirmed: int = 0) -> None:
    """Let the light worker clean up soon."""
    async_task("uploads.tasks.cleanup", trigger, confirmed, task_name="cleanup")


def declare_schedules() -> None:
    """Make the schedule where it is not there; how often it runs, staff may have changed."""
    # Names are not unique to the queue: staff may have made a second one.
    if Schedule.objects.filter(name=CLEANUP).exists():
        return
    Schedule.objects.create(
        name=CLEANUP,
        func="uploads.tasks.cleanup",
        schedule_type=Schedule.MINUTES,
        minutes=10,
        next_run=timezone.now() + timedelta(minutes=10),
    )

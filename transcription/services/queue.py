"""The only caller of the queue.

An entry in the queue says only that there is work; which job comes next, the rows tell. So a lost
entry is made good by any later one, and one too many finds nothing to do.
"""

from datetime import timedelta

from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from transcription.models import Job, State

SWEEP = "transcription: sweep"
HEAVY = "heavy"
MOST_NUDGES = 50  # entries that the sweep adds at once


def nudge() -> None:
    """Tell the heavy worker that a job waits."""
    async_task("transcription.tasks.work", task_name="work", cluster=HEAVY)


def nudge_for_all_waiting() -> int:
    """Make sure that there is an entry for every waiting job; returns how many were missing."""
    waiting = Job.objects.filter(state=State.QUEUED).count()
    # The broker dates an entry that nobody has claimed back by `retry`.
    unclaimed = OrmQ.objects.filter(key=HEAVY, lock__lt=timezone.now() - timedelta(days=1)).count()
    missing: int = min(max(0, waiting - unclaimed), MOST_NUDGES)
    for _ in range(missing):
        nudge()
    return missing


def forget_all_nudges() -> None:
    """Empty the heavy queue: what a killed cluster had claimed would lie there for ever."""
    OrmQ.objects.filter(key=HEAVY).delete()


def declare_schedules() -> None:
    """Make the sweep's schedule where it is not there; staff may change how often it runs."""
    Schedule.objects.get_or_create(
        name=SWEEP,
        defaults={
            "func": "transcription.tasks.sweep",
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
        },
    )

"""The only caller of the queue.

A queue entry only says that a job waits; the rows say which one is next. So any later entry makes
up for a lost one, and a surplus entry finds nothing to do.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.tasks import async_task

from transcription.models import Job, State, TaskType
from uploads.conf import conf as uploads_conf

SWEEP = "transcription: sweep"
DELIVERIES = "transcription: deliveries"
HEAVY = "heavy"
LIGHT = Conf.PREFIX  # always named: the heavy worker's default is its own queue
MOST_ADDED_ENTRIES = 50  # entries that one sweep adds at most
LONGEST_TASK = timedelta(days=8)  # beyond the time limit of every task


def enqueue() -> None:
    """Queues an entry for the job worker."""
    async_task("transcription.tasks.work", task_name="work", cluster=HEAVY)


def queue_for(job: Job) -> None:
    """Queues an entry for a waiting job: joining documents needs no engine and little time, so it
    goes to the housekeeping worker."""
    if job.task_type == TaskType.COMBINATION:
        async_task("transcription.tasks.combine", task_name="combine", cluster=LIGHT)
    else:
        enqueue()


def enqueue_deliveries() -> None:
    """Queues an entry for the housekeeping worker: a webhook is due."""
    async_task("transcription.tasks.deliver", task_name="deliver", cluster=LIGHT)


def enqueue_outlook() -> None:
    """Queues a check of whether missing models can be downloaded."""
    async_task("transcription.tasks.look_ahead", task_name="look ahead", cluster=LIGHT)


def enqueue_for_all_waiting() -> int:
    """Makes sure that every waiting job has an entry; returns the number added."""
    waiting = Job.objects.filter(state=State.QUEUED).count()
    # The broker sets the time of a taken entry to when it would repeat it.
    untaken = OrmQ.objects.filter(key=HEAVY, lock__lte=timezone.now()).count()
    missing: int = min(max(0, waiting - untaken), MOST_ADDED_ENTRIES)
    for _ in range(missing):
        enqueue()
    return missing


def clear_queue() -> None:
    """Empties the job queue: entries claimed by a killed cluster would stay forever."""
    OrmQ.objects.filter(key=HEAVY).delete()


def prune() -> None:
    """Deletes what the queue would keep forever: failures, and entries of dead clusters."""
    now = timezone.now()
    old = now - timedelta(seconds=uploads_conf.UPLOADS_RECORD_RETENTION)
    Failure.objects.filter(stopped__lt=old).delete()
    taken_long_ago = now + timedelta(seconds=Conf.RETRY) - LONGEST_TASK
    OrmQ.objects.filter(lock__gt=now, lock__lt=taken_long_ago).delete()


def declare_schedules() -> None:
    """Creates missing schedules; staff may have changed their intervals."""
    if Schedule._meta.db_table not in connection.introspection.table_names():
        return  # only some apps were migrated so far
    for schedule in declared_schedules():
        # Names are not unique in the queue: staff may have created a second one.
        if not Schedule.objects.filter(name=schedule.name).exists():
            schedule.save(force_insert=True)


def declared_schedules() -> list[Schedule]:
    """What a new site schedules; not saved."""
    return [
        Schedule(
            name=name,
            func=f"transcription.tasks.{task}",
            schedule_type=Schedule.MINUTES,
            minutes=1,
        )
        for name, task in ((SWEEP, "sweep"), (DELIVERIES, "deliver"))
    ]

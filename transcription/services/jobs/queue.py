"""The only caller of the queue.

An entry in the queue says only that there is work; which job comes next, the rows tell. So a lost
entry is made good by any later one, and one too many finds nothing to do.
"""

from datetime import timedelta

from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.tasks import async_task

from transcription.models import Job, State, TaskType
from uploads.conf import conf as uploads_conf

SWEEP = "transcription: sweep"
DELIVERIES = "transcription: deliveries"
HEAVY = "heavy"
LIGHT = Conf.PREFIX  # to be said: for the heavy worker's own calls, the default is itself
MOST_NUDGES = 50  # entries that the sweep adds at once
LONGEST_TASK = timedelta(days=8)  # beyond the time limit of every task


def enqueue() -> None:
    """Tell the heavy worker that a job waits."""
    async_task("transcription.tasks.work", task_name="work", cluster=HEAVY)


def queue_for(job: Job) -> None:
    """Tell a worker that this job waits: joining documents takes no engine, nor much time, and so
    does not stand behind the recordings."""
    if job.task_type == TaskType.COMBINATION:
        async_task("transcription.tasks.combine", task_name="combine", cluster=LIGHT)
    else:
        enqueue()


def nudge_deliveries() -> None:
    """Tell the light worker that a message to a callback URL is due."""
    async_task("transcription.tasks.deliver", task_name="deliver", cluster=LIGHT)


def nudge_outlook() -> None:
    """Let the light worker look whether the models that are missing can be had."""
    async_task("transcription.tasks.look_ahead", task_name="look ahead", cluster=LIGHT)


def nudge_for_all_waiting() -> int:
    """Make sure that there is an entry for every waiting job; returns how many were missing."""
    waiting = Job.objects.filter(state=State.QUEUED).count()
    # The broker dates an entry ahead when it is taken, for the time after which it comes again.
    untaken = OrmQ.objects.filter(key=HEAVY, lock__lte=timezone.now()).count()
    missing: int = min(max(0, waiting - untaken), MOST_NUDGES)
    for _ in range(missing):
        enqueue()
    return missing


def clear_queue() -> None:
    """Empty the heavy queue: what a killed cluster had claimed would lie there for ever."""
    OrmQ.objects.filter(key=HEAVY).delete()


def prune() -> None:
    """Forget what the queue itself would keep for ever: failures, and entries of dead clusters."""
    now = timezone.now()
    old = now - timedelta(seconds=uploads_conf.UPLOADS_RECORD_RETENTION)
    Failure.objects.filter(stopped__lt=old).delete()
    taken_long_ago = now + timedelta(seconds=Conf.RETRY) - LONGEST_TASK
    OrmQ.objects.filter(lock__gt=now, lock__lt=taken_long_ago).delete()


def declare_schedules() -> None:
    """Make the schedules that are not there; staff may change how often each runs."""
    for name, task in ((SWEEP, "sweep"), (DELIVERIES, "deliver")):
        # Names are not unique to the queue: staff may have made a second one.
        if not Schedule.objects.filter(name=name).exists():
            Schedule.objects.create(
                name=name,
                func=f"transcription.tasks.{task}",
                schedule_type=Schedule.MINUTES,
                minutes=1,
            )

"""Whether the light worker gets on, seen from outside."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from transcription.services import deliveries
from uploads.services import ballast
from uploads.tasks import CLEANUP


def light_is_stuck() -> str:
    """Why the light worker must be restarted; empty: it need not.

    A worker that is killed while idle can leave django-q's queue locked: the processes live on and
    nothing is run.
    """
    now = timezone.now()
    before = now - timedelta(seconds=settings.SITE["STUCK_AFTER"])
    # The broker dates an entry that is claimed ahead by `retry`, and deletes it when it is done.
    claimed = timedelta(seconds=settings.Q_CLUSTER["retry"])
    light = OrmQ.objects.filter(key=settings.Q_CLUSTER["name"])
    if light.filter(lock__gt=now, lock__lt=before + claimed).exists():
        return "a task that it took was never done"
    late = Schedule.objects.filter(next_run__lt=before).exclude(repeats=0).order_by("next_run")
    overdue = late.first()
    return f"{overdue.name} is overdue" if overdue else ""


def tend_disk() -> None:
    """Keep the ballast, and let go of it where the disk is so full that the queue cannot even write
    down that it takes the cleanup."""
    if not ballast.is_low():
        ballast.keep()
    elif Schedule.objects.filter(name=CLEANUP, next_run__lt=timezone.now()).exists():
        ballast.make_room()


def free_light_queue() -> None:
    """Let what a light worker had claimed that has ended be run by the next; tasks bear it."""
    light = OrmQ.objects.filter(key=settings.Q_CLUSTER["name"])
    light.filter(lock__gt=timezone.now()).update(lock=timezone.now())
    deliveries.resume()

"""Checks of the housekeeping worker from outside."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django_q.conf import croniter
from django_q.models import OrmQ, Schedule

from transcription.services.webhooks import outbox
from uploads.queues.django_q import CLEANUP
from uploads.services.maintenance import ballast

logger = logging.getLogger("site")

SLACK = timedelta(minutes=1)  # clocks are often set back by a little


def stall_reason() -> str:
    """Why the housekeeping worker must be restarted; empty: it need not be.

    A worker that is killed while idle can leave django-q's queue locked: the processes keep running
    without doing anything.
    """
    now = timezone.now()
    before = now - timedelta(seconds=settings.SITE["WORKER_STALL_TIMEOUT"])
    # The broker postpones a claimed entry by `retry`, and deletes it when it is done.
    claimed = timedelta(seconds=settings.Q_CLUSTER["retry"])
    light = OrmQ.objects.filter(key=settings.Q_CLUSTER["name"])
    if light.filter(lock__gt=now, lock__lt=before + claimed).exists():
        return "a task that it took was never finished"
    late = Schedule.objects.filter(next_run__lt=before).exclude(repeats=0).order_by("next_run")
    overdue = late.first()
    return f"{overdue.name} is overdue" if overdue else ""


def tend_disk() -> None:
    """Maintains the ballast, and releases it if the disk is so full that the queue can't even claim
    the cleanup."""
    if not ballast.is_low():
        ballast.keep()
        return
    due = Schedule.objects.filter(name=CLEANUP, next_run__lt=timezone.now()).exclude(repeats=0)
    if due.exists():
        ballast.make_room()


def set_schedules_right() -> None:
    """Corrects schedules whose next run was set too late by a clock that was ahead.

    django-q would wait for it, perhaps for months. Paused schedules (`repeats` 0) are left alone.
    """
    now = timezone.now()
    paused_or_once = Q(repeats=0) | Q(schedule_type=Schedule.ONCE)
    for schedule in Schedule.objects.filter(next_run__gt=now).exclude(paused_or_once):
        if schedule.schedule_type == Schedule.CRON and not croniter:
            continue  # nor can the scheduler tell when it is due
        latest = schedule.calculate_next_run(now)
        waits = Schedule.objects.filter(pk=schedule.pk, next_run=schedule.next_run)
        if schedule.next_run > latest + SLACK and waits.update(next_run=latest):
            logger.warning("%s would not have run before %s", schedule.name, schedule.next_run)


def free_entries_of_the_future() -> None:
    """Makes queue entries available that a clock which was ahead postponed beyond any claim."""
    now = timezone.now()
    claimed = timedelta(seconds=settings.Q_CLUSTER["retry"])
    OrmQ.objects.filter(lock__gt=now + claimed + SLACK).update(lock=now)


def free_light_queue() -> None:
    """Releases what an ended housekeeping worker had claimed; its tasks may run twice."""
    light = OrmQ.objects.filter(key=settings.Q_CLUSTER["name"])
    light.filter(lock__gt=timezone.now()).update(lock=timezone.now())
    outbox.resume()

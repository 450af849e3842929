"""Leases: claim, heartbeat, release. A claim is a fencing token and a lease in the row."""

import logging
import os
import socket
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from transcription.conf import conf
from transcription.models import Job, Stage, State
from transcription.services.jobs.events import note
from transcription.services.jobs.queue import clear_queue, enqueue_for_all_waiting
from transcription.services.jobs.submit import submit_missed
from transcription.services.jobs.workers import is_gone, this_machine
from transcription.services.scheduling.turns import next_job, note_served
from transcription.services.webhooks import outbox
from uploads.services.maintenance.store_identity import identity_problem

logger = logging.getLogger(__name__)

WORKER_STALL_TIMEOUT = timedelta(minutes=1)
CLOCK_SLACK = timedelta(minutes=1)  # clocks are often set back by a little


def lease_end() -> datetime:
    """When a claim without further heartbeats ends."""
    return timezone.now() + timedelta(seconds=conf.JOB_LEASE_SECONDS)


def claim_next(**kind: Any) -> Job | None:
    """Claims the next job in turn for this process; None if none waits.

    Args:
        kind: Further conditions on its row.
    """
    waiting = Job.objects.filter(state=State.QUEUED, **kind)
    while found := next_job(waiting):
        if job := claim(found.pk):
            return job
    return None


def claim(job_id: uuid.UUID) -> Job | None:
    """Claims this job for this process; None if it doesn't wait (any more)."""
    token = uuid.uuid4()
    with transaction.atomic():
        Job.objects.filter(pk=job_id, state=State.QUEUED).update(
            state=State.PROCESSING,
            stage=Stage.PROBING,
            turns=F("turns") + 1,
            started=Coalesce("started", timezone.now()),
            finished=None,
            error="",
            token=token,
            lease_expires=lease_end(),
            worker_host=this_machine(),
            worker_pid=os.getpid(),
        )
        job = Job.objects.select_related("upload").filter(pk=job_id, token=token).first()
        if job:
            note_served(job)
    if job:
        note(job.pk, f"Started by process {os.getpid()} on {socket.gethostname()}.")
    return job


def should_continue(job: Job) -> bool:
    """False: the job was cancelled, deleted, or claimed by another worker."""
    return Job.objects.filter(
        pk=job.pk, token=job.token, state=State.PROCESSING, cancel_requested=False
    ).exists()


def heartbeat(job: Job) -> bool:
    """Extends the lease; returns whether the job is still wanted."""
    extended = Job.objects.filter(
        pk=job.pk, token=job.token, state=State.PROCESSING, cancel_requested=False
    ).update(lease_expires=lease_end())
    return bool(extended)


def release(job: Job, reason: str, **conditions: Any) -> bool:
    """Ends a valid claim: requeues the job, or cancels it if that was requested.

    Args:
        job: As it was claimed.
        reason: For its history.
        conditions: Further conditions on its row.

    Returns:
        Whether it is in the queue again.
    """
    claims = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING, **conditions)
    free = {"token": None, "lease_expires": None}
    # A requested cancel stays requested: if the first UPDATE doesn't match the row, the second
    # does.
    if claims.filter(cancel_requested=False).update(
        state=State.QUEUED, stage=Stage.QUEUED, started=None, speed=None, **free
    ):
        note(job.pk, f"Requeued: {reason}")
        enqueue_for_all_waiting()
        return True
    end_cancelled(job, reason, **conditions)
    return False


def end_cancelled(job: Job, reason: str, **conditions: Any) -> bool:
    """Ends a valid claim by cancelling the job; the arguments are those of `release`."""
    claims = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING, **conditions)
    with transaction.atomic():
        cancelled = claims.update(
            state=State.CANCELLED, finished=timezone.now(), token=None, lease_expires=None
        )
        if cancelled:
            note(job.pk, f"Cancelled: {reason}")
            outbox.open_for(job.pk)
    return bool(cancelled)


def pause(job: Job, reason: str) -> None:
    """Ends a valid claim because others wait: the job goes on at its next turn."""
    now = timezone.now()
    ours = Job.objects.filter(
        pk=job.pk, token=job.token, state=State.PROCESSING, cancel_requested=False
    )
    paused = {"state": State.QUEUED, "stage": Stage.PAUSED, "queued": now, "speed": None}
    if ours.update(**paused, token=None, lease_expires=None):
        note_served(job)
        note(job.pk, f"Paused: {reason}")
        enqueue_for_all_waiting()
    else:
        release(job, "it was stopped.")


def count_engine_death(job: Job) -> int:
    """Counts a death of the engine during this job; returns the number."""
    ours = Job.objects.filter(pk=job.pk, token=job.token)
    ours.update(engine_deaths=F("engine_deaths") + 1)
    return ours.values_list("engine_deaths", flat=True).first() or 0


def free_leases_of_dead_workers() -> int:
    """Requeues the jobs of dead processes of this machine; returns the number."""
    ours = Job.objects.filter(state=State.PROCESSING, worker_host=this_machine())
    return sum(free_if_orphaned(job) for job in ours)


def free_if_orphaned(job: Job) -> bool:
    """Ends the claim of a dead process of this machine."""
    return is_gone(job) and release(job, "its worker died.")


def free_expired_leases() -> int:
    """Requeues the jobs whose workers sent no heartbeat; returns the number."""
    working = Job.objects.filter(state=State.PROCESSING)
    overdue = {"lease_expires__lt": timezone.now()}
    lost = working.filter(**overdue)
    return sum(release(job, "its worker sent no heartbeat.", **overdue) for job in lost)


def reset_future_times() -> None:
    """Corrects times that were set too late by a clock that was ahead."""
    latest = timezone.now() + CLOCK_SLACK
    waiting = Job.objects.filter(state=State.QUEUED, queued__gt=latest)
    waiting.update(queued=timezone.now())
    working = Job.objects.filter(state=State.PROCESSING)  # living workers send heartbeats
    working.filter(lease_expires__gt=lease_end() + CLOCK_SLACK).update(lease_expires=lease_end())


def recover_on_startup() -> None:
    """Releases everything at a start of the site: nothing from before is running."""
    freed = free_leases_of_dead_workers()
    submit_missed(timedelta(0))
    clear_queue()
    waiting = enqueue_for_all_waiting()
    if waiting:
        logger.info("%s jobs are waiting, %s of them were interrupted", waiting, freed)


def stall_reason() -> str:
    """Why the job worker must be restarted: jobs wait, and it takes none. Empty: no need."""
    now = timezone.now()
    before = now - WORKER_STALL_TIMEOUT
    if Job.objects.filter(state=State.PROCESSING).exists():
        return ""
    # Times later than now are from a clock that was ahead.
    waiting = Job.objects.filter(state=State.QUEUED).exclude(queued__range=(before, now))
    if not waiting.exists():
        return ""
    if Job.objects.filter(started__range=(before, now)).exists():
        return ""  # it has just taken one
    if identity_problem() is not None:
        return ""  # all wait for their recordings
    return "jobs wait and none is taken"

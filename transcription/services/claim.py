"""Who works on a job: claim, sign of life, release. A claim is a token and a lease in the row."""

import logging
import os
import socket
import uuid
from datetime import datetime, timedelta

import psutil
from django.db.models import F
from django.utils import timezone

from transcription.conf import conf
from transcription.models import Job, JobEvent, Stage, State
from transcription.services.queue import forget_all_nudges, nudge_for_all_waiting

logger = logging.getLogger(__name__)

STUCK_AFTER = timedelta(minutes=3)


def lease_end() -> datetime:
    """When a claim ends that gives no further sign of life."""
    return timezone.now() + timedelta(seconds=conf.JOB_LEASE_SECONDS)


def claim_next() -> Job | None:
    """Claim the job that has waited longest, for this process; None where none waits."""
    while waiting := Job.objects.filter(state=State.QUEUED).order_by("queued", "pk").first():
        now = timezone.now()
        token = uuid.uuid4()
        claimed = Job.objects.filter(pk=waiting.pk, state=State.QUEUED).update(
            state=State.PROCESSING,
            stage=Stage.PROBING,
            percent=0,
            seconds_done=0,
            started=now,
            finished=None,
            error="",
            token=token,
            lease_expires=lease_end(),
            worker_host=socket.gethostname(),
            worker_pid=os.getpid(),
            worker_started=psutil.Process().create_time(),
        )
        if claimed:
            note(waiting.pk, f"Started by process {os.getpid()} on {socket.gethostname()}.")
            return Job.objects.select_related("upload").get(pk=waiting.pk)
    return None


def still_ours(job: Job) -> bool:
    """Extend the lease. False: the job was cancelled, deleted or given to somebody else."""
    extended = Job.objects.filter(
        pk=job.pk, token=job.token, state=State.PROCESSING, cancel_requested=False
    ).update(lease_expires=lease_end())
    return bool(extended)


def release(job: Job, reason: str) -> bool:
    """Put a claimed job back into the queue, if the claim still rules."""
    released = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
        state=State.QUEUED, stage=Stage.QUEUED, percent=0, token=None, lease_expires=None
    )
    if released:
        note(job.pk, f"Back in the queue: {reason}")
        nudge_for_all_waiting()
    return bool(released)


def count_engine_death(job: Job) -> int:
    """One more death of the engine under this job; returns how many there are."""
    Job.objects.filter(pk=job.pk).update(engine_deaths=F("engine_deaths") + 1)
    return Job.objects.values_list("engine_deaths", flat=True).get(pk=job.pk)


def free_leases_of_dead_workers() -> int:
    """Requeue the jobs of processes of this machine that no longer live; returns how many."""
    freed = 0
    ours = Job.objects.filter(state=State.PROCESSING, worker_host=socket.gethostname())
    for job in ours:
        if not is_alive(job.worker_pid, job.worker_started):
            freed += end_or_release(job, "its worker no longer lives.")
    return freed


def free_expired_leases() -> int:
    """Requeue the jobs whose workers have given no sign of life; returns how many."""
    lost = Job.objects.filter(state=State.PROCESSING, lease_expires__lt=timezone.now())
    return sum(end_or_release(job, "its worker gave no sign of life.") for job in lost)


def end_or_release(job: Job, reason: str) -> bool:
    """A job without worker goes back into the queue, unless it was to be cancelled anyway."""
    if job.cancel_requested:
        cancelled = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
            state=State.CANCELLED, finished=timezone.now(), token=None, lease_expires=None
        )
        if cancelled:
            note(job.pk, f"Cancelled; {reason}")
        return False
    return release(job, reason)


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether this process of this machine still runs, and is not another with its number."""
    try:
        process = psutil.Process(pid or -1)
        same = started is None or abs(process.create_time() - started) < 1
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError):
        return False


def start_afresh() -> None:
    """What a start of the site does: nobody of before works on anything any more."""
    freed = free_leases_of_dead_workers()
    forget_all_nudges()
    waiting = nudge_for_all_waiting()
    if waiting:
        logger.info("%s jobs wait, %s of them were interrupted", waiting, freed)


def stuck() -> str:
    """Why the heavy worker must be restarted: jobs wait, and it takes none. Empty: it need not."""
    waiting = Job.objects.filter(state=State.QUEUED, queued__lt=timezone.now() - STUCK_AFTER)
    if Job.objects.filter(state=State.PROCESSING).exists() or not waiting.exists():
        return ""
    latest = JobEvent.objects.order_by("-at").first()
    if latest and latest.at > timezone.now() - STUCK_AFTER:
        return ""
    start_afresh()
    return "jobs wait and none is taken"


def note(job_id: uuid.UUID, what: str) -> None:
    """One line in the job's history."""
    JobEvent.objects.create(job_id=job_id, what=what)
    logger.info("job %s: %s", job_id, what)

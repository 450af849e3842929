"""The functions that the queue runs for `transcription`.

A job is claimed (`work`), then planned, done stage by stage and finished (`run`).
"""

import logging
import time
from contextlib import suppress

from django.db import DatabaseError

from transcription.engines.base import EngineDied, Paused
from transcription.media.errors import Cancelled, FinalError
from transcription.models import Job, Stage, TaskType
from transcription.services import outlook
from transcription.services.db_retry import retry_on_db_error
from transcription.services.jobs import leases, queue
from transcription.services.jobs.monitor import JobMonitor
from transcription.services.jobs.submit import submit_missed
from transcription.services.scheduling import turns
from transcription.services.stages import chunks, outputs, plan
from transcription.services.stages.finish import finish_job, unforeseen
from transcription.services.stages.recording import RecordingGone
from transcription.services.stages.run import run_stages
from transcription.services.webhooks import outbox
from uploads.services.activity import log_context
from uploads.services.maintenance.store_identity import identity_problem

logger = logging.getLogger(__name__)

MOST_ENGINE_DEATHS = 3
PAUSE_AFTER_DEATH = 1.0
"""Seconds before an engine's death is counted: if the whole site was killed, this process is
killed, too, by then, and the engine is not to blame.
"""


def work() -> None:
    """Runs the next job in turn, if any; while the recordings are unavailable, all wait."""
    problem = identity_problem()
    if problem is not None:
        logger.warning("jobs wait: %s", problem)
        return
    job = leases.claim_next()
    if job is not None:
        run(job)


def combine() -> None:
    """Joins the documents of the next waiting job of that type, if any."""
    job = leases.claim_next(task_type=TaskType.COMBINATION)
    if job is not None:
        run(job)


def run(job: Job) -> None:
    """Runs a claimed job; each line of the log until its end names it."""
    upload_id = job.upload_id.hex if job.upload_id else None
    with log_context.about(job_id=job.pk, upload_id=upload_id):
        run_to_end(job)


def run_to_end(job: Job) -> None:
    """Runs a claimed job from its plan to its end; its row always shows the outcome."""
    monitor = JobMonitor(job)
    try:
        kept = retry_on_db_error(outputs.by_stage_for, job)
        monitor.plan = plan.remaining(job, kept)
        result = run_stages(job, kept, monitor) if monitor.plan else None
    except Cancelled:
        retry_on_db_error(leases.release, job, "it was stopped.")
    except Paused:
        retry_on_db_error(leases.pause, job, "others wait.")
    except (FinalError, RecordingGone) as reason:
        finish_job(job, reason=str(reason))
    except EngineDied as death:
        after_engine_death(job, death, monitor)
    except Exception as problem:
        # Endless retries would change nothing, and block all other jobs.
        logger.exception("job %s", job.pk)
        finish_job(job, reason=unforeseen(problem))
    except BaseException as interruption:
        # The worker was ended by a signal or the queue's time limit: the job is free at once.
        with suppress(DatabaseError):
            leases.release(job, f"the worker was stopped ({type(interruption).__name__}).")
        raise
    else:
        monitor.report(Stage.COMBINING, 0.0, None)
        finish_job(job, result, check_cancelled=monitor.check_cancelled)


def after_engine_death(job: Job, death: EngineDied, monitor: JobMonitor) -> None:
    """Requeues it up to MOST_ENGINE_DEATHS times: a recording that crashes the engine must not
    do so forever.
    """
    logger.warning("job %s: %s", job.pk, death.message)
    for line in death.stderr.splitlines():
        logger.warning("job %s, last output of the engine: %s", job.pk, line)
    monitor.heard = None
    deadline = time.monotonic() + PAUSE_AFTER_DEATH
    while time.monotonic() < deadline:
        if monitor.should_stop():
            retry_on_db_error(leases.release, job, "it was stopped.")
            return
        time.sleep(0.1)
    if death.final:
        finish_job(job, reason=f"The recording could not be read. {death.message}")
        return
    deaths = retry_on_db_error(leases.count_engine_death, job)
    if deaths < MOST_ENGINE_DEATHS:
        retry_on_db_error(
            leases.release, job, f"{death.message} (death {deaths} of {MOST_ENGINE_DEATHS})"
        )
        return
    reason = f"The speech engine died {deaths} times on this recording. {death.message}"
    finish_job(job, reason=reason)


def deliver() -> None:
    """Sends due webhooks."""
    from transcription.services.webhooks.sender import (
        deliver_due,  # jobs don't need its HTTP client
    )

    deliver_due()


def look_ahead() -> None:
    """Logs at a start whether recordings will become transcripts or drafts."""
    outlook.tell(outlook.look_ahead())


def sweep() -> None:
    """Every minute: requeues jobs that lost their worker, and makes up for lost queue entries."""
    for step in (
        leases.free_leases_of_dead_workers,
        leases.reset_future_times,
        leases.free_expired_leases,
        submit_missed,
        outbox.reset_future_times,
        queue.enqueue_for_all_waiting,
        queue.prune,
        turns.forget_old_turns,
        chunks.forget,
        outlook.look_again,
    ):
        try:
            step()
        except Exception:
            logger.exception("sweep: %s", step.__name__)  # the other steps continue

"""Ends a job that has run: completed, with warnings, or failed."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError

from transcription.engines.base import Result
from transcription.media.errors import Cancelled
from transcription.models import Job
from transcription.services.db_retry import retry_on_db_error
from transcription.services.jobs import leases, progress, transitions
from transcription.services.stages import outputs, plan

logger = logging.getLogger(__name__)


def finish_job(
    job: Job,
    result: Result | None = None,
    reason: str = "",
    check_cancelled: Callable[[], None] = lambda: None,
) -> None:
    """Ends the job with its kept outputs; outputs that can't be stored fail the job with a reason.

    Args:
        job: As claimed.
        result: The engine's result; None if it was not called, or returned nothing.
        reason: Why other stages without an output were not done.
        check_cancelled: Called now and then; if it raises, nothing is changed.

    Raises:
        OperationalError, InterfaceError: The database was down for too long: the job runs again
            after its lease.
    """
    failures, facts = {}, {}
    if result is not None:
        failures = result.failures
        facts = progress.media_facts(result.media) | {"audio_duration": result.duration}
    try:
        retry_on_db_error(end_with_outputs, job, failures, facts, reason, check_cancelled)
    except Cancelled:
        retry_on_db_error(leases.release, job, "it was stopped.")
    except (OperationalError, InterfaceError):
        raise
    except Exception as problem:
        logger.exception("job %s", job.pk)
        retry_on_db_error(transitions.fail, job, reason or unforeseen(problem))


def end_with_outputs(
    job: Job,
    failures: Mapping[str, str],
    facts: Mapping[str, Any],
    reason: str,
    check_cancelled: Callable[[], None],
) -> bool:
    """Ends a job with its outputs, if the claim is still valid.

    Without the output of its main stage it has failed; without another one it is completed with a
    warning.

    Args:
        job: As claimed.
        failures: Why stages have no output.
        facts: Fields of Job that the run reported.
        reason: See `finish_job`.
        check_cancelled: See `finish_job`.

    Returns:
        Whether the job was ended; False: another worker has it, or it is gone.
    """
    kept = outputs.by_stage_for(job)
    missing = {
        stage: failures.get(stage) or reason or "It was skipped."
        for stage in plan.remaining(job, kept)
    }
    main = plan.MAIN.get(job.task_type)
    if main in missing:
        return transitions.fail(job, missing[main])
    remarks = outputs.remarks(kept, missing)
    transcript = outputs.transcript(job, kept, check_cancelled)
    return transitions.complete(job, transcript, {**facts, **remarks})


def unforeseen(problem: Exception) -> str:
    """A sentence about an unexpected error."""
    return f"An internal error occurred: {type(problem).__name__}: {problem}"

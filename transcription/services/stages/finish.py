"""The end that a job's outputs and failures come to."""

from collections.abc import Callable, Mapping
from typing import Any

from transcription.models import Job
from transcription.services.jobs import transitions
from transcription.services.stages import outputs, plan


def finish_job(
    job: Job,
    failures: Mapping[str, str],
    facts: Mapping[str, Any],
    reason: str = "",
    go_on: Callable[[], None] = lambda: None,
) -> bool:
    """End a job with what there is, if the claim still rules.

    Without the output of its own stage it has failed; without another it is completed, with a
    warning.

    Args:
        job: As claimed.
        failures: Why stages gave nothing.
        facts: Fields of Job that the run told.
        reason: Why the stages that are neither there nor among the failures were not done.
        go_on: Called now and then; what it raises ends the work, and nothing is changed.

    Returns:
        Whether this was the job's end; False: somebody else works on it, or it is gone.
    """
    kept = outputs.by_stage_for(job)
    missing = {
        stage: failures.get(stage) or reason or "It was not done."
        for stage in plan.remaining(job, kept)
    }
    main = plan.MAIN.get(job.task_type)
    if main in missing:
        return transitions.fail(job, missing[main])
    remarks = outputs.remarks(kept, missing)
    return transitions.complete(job, outputs.transcript(job, kept, go_on), {**facts, **remarks})

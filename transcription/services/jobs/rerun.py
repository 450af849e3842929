"""Runs ended jobs again."""

from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from transcription.conf import conf
from transcription.engines.base import STAGES
from transcription.engines.model_files.assets import forget_failures
from transcription.models import DONE, ENDED, Job, Stage, State, TaskType, TranscribedChunk
from transcription.services.jobs.events import note
from transcription.services.jobs.queue import queue_for
from transcription.services.jobs.transitions import RELEASED_LEASE
from transcription.services.scheduling.turns import turn_of
from transcription.services.stages import outputs, plan
from uploads.models import State as UploadState


class CannotRun(Exception):
    """The job can't run again; the message says why."""


def run_again(job: Job, changes: Mapping[str, Any], everything: bool = False) -> None:
    """Requeues an ended job; its transcript stays until it has ended again.

    Kept outputs that would not change are reused; if nothing is missing or changed, everything is
    done again. Because a user asked, recently failed downloads are tried again.

    Args:
        job: An ended job.
        changes: New values of Job's fields (engine, model, language, task) and, under the key
            `options`, of some of its options; None removes an option.
        everything: Reuse only the outputs that the client provided.

    Raises:
        CannotRun: It has not ended, or the recording's bytes are gone.
    """
    if needs_media(job) and not has_media(job):
        raise CannotRun("The recording was removed. Upload it again to transcribe it again.")
    with suppress(OSError):  # models may be in a folder that only the worker can access
        forget_failures(conf.MODELS_DIR)  # before the worker is notified
    fields = {"engine": conf.ENGINE, **changes}
    options = fields.pop("options", {})
    with transaction.atomic():
        ended = Job.objects.select_for_update().filter(pk=job.pk, state__in=ENDED).first()
        if ended is None:
            raise CannotRun("This job has not ended yet.")
        change = plan.Change(fields, options)
        left = kept_stages(ended, change, everything)
        queue_again(ended, change, left)
        outputs.forget(ended, set(STAGES) - set(left))
        if everything or ended.state in DONE:
            TranscribedChunk.objects.filter(job=ended).delete()


def kept_stages(job: Job, change: plan.Change, everything: bool = False) -> list[str]:
    """The stages whose outputs would be reused."""
    done = outputs.without_output(job)
    invalidated = set(done) if everything else plan.invalidated(job, done, change)
    left = {stage: kept for stage, kept in done.items() if kept.given or stage not in invalidated}
    changed = copy(job)
    changed.options, changed.engine = change.options_of(job), change.fields["engine"]
    finished = job.state in (State.COMPLETED, State.WARNINGS)
    if finished and not plan.remaining(changed, left) and not plan.affected_stages(job, change):
        left = {stage: kept for stage, kept in left.items() if kept.given}
    return list(left)


def kept_by_default(job: Job) -> str:
    """The stages that are reused without changed options, in words; empty: none."""
    given = [stage for stage, row in outputs.without_output(job).items() if row.given]
    left = kept_stages(job, plan.Change({"engine": conf.ENGINE}, {}))
    return plan.names_of([stage for stage in left if stage not in given])


def queue_again(job: Job, change: plan.Change, left: list[str]) -> None:
    """Makes an ended job wait again.

    Raises:
        CannotRun: Another request has just done so.
    """
    note_change = {} if plan.MAIN.get(job.task_type) in left else {"engine_note": ""}
    queued = Job.objects.filter(pk=job.pk, state__in=ENDED).update(
        state=State.QUEUED,
        stage=Stage.QUEUED,
        percent=0,
        seconds_done=0,
        seconds_total=None,
        speed=None,
        queued=timezone.now(),
        turns=0,
        turn=turn_of(job.owner_id, job.upload.client_address if job.upload else ""),
        started=None,
        finished=None,
        error="",
        warnings=[],
        cancel_requested=False,
        engine_deaths=0,
        options=change.options_of(job),
        params=change.params_of(job),
        **RELEASED_LEASE,
        **note_change,
        **change.fields,
    )
    if not queued:
        raise CannotRun("This job has not ended yet.")
    keeping = f" Kept: {plan.names_of(left)}." if left else ""
    note(job.pk, f"Queued again.{keeping}")
    transaction.on_commit(partial(queue_for, job))


def needs_media(job: Job) -> bool:
    return job.task_type != TaskType.COMBINATION


def has_media(job: Job) -> bool:
    upload = job.upload
    return upload is not None and upload.state == UploadState.FINISHED and not upload.lost


def can_run_again(job: Job) -> bool:
    """Whether it has ended and its recording is there."""
    return job.state in ENDED and (has_media(job) or not needs_media(job))

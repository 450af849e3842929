"""Ends of a job, and its new beginnings."""

import uuid
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils import timezone

from transcription.conf import conf
from transcription.engines.models import forget_failures
from transcription.models import ACTIVE, ENDED, Job, Stage, State, Transcript
from transcription.services.claim import free_if_orphaned
from transcription.services.history import note
from transcription.services.queue import nudge
from transcription.services.storable import as_facts, as_segments, as_text
from uploads.errors import NotFound
from uploads.models import State as UploadState
from uploads.services.end import terminate

FREE = {"token": None, "lease_expires": None}


class CannotRun(Exception):
    """The job cannot run again; the message says why."""


def complete(job: Job, segments: list[dict[str, Any]], facts: dict[str, Any]) -> bool:
    """Keep a job's transcript, in one transaction, if the claim still rules.

    Args:
        job: As claimed.
        segments: The transcript.
        facts: Fields of Job that the engine told: engine_used, model_used, language_used,
            audio_duration, warnings.

    Returns:
        Whether this was the job's end; False: somebody else works on it, or it is gone.
    """
    state = State.WARNINGS if facts.get("warnings") else State.COMPLETED
    kept = as_segments(segments)
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
            state=state,
            stage=Stage.COMPLETE,
            percent=100,
            finished=timezone.now(),
            cancel_requested=False,
            **FREE,
            **as_facts(facts),
        )
        if ended:
            Transcript.objects.update_or_create(job_id=job.pk, defaults={"segments": kept})
            note(job.pk, f"Ended: {State(state).label}.")
    return bool(ended)


def fail(job: Job, reason: str) -> bool:
    """End a job without transcript, if the claim still rules."""
    reason = as_text(reason)
    ended = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
        state=State.FAILED, error=reason, finished=timezone.now(), **FREE
    )
    if ended:
        note(job.pk, f"Failed: {reason}")
    return bool(ended)


def cancel(job: Job) -> bool:
    """Cancel a waiting job now, a working one through its worker; False: it has ended already."""
    asked = Job.objects.filter(pk=job.pk)
    for _ in range(2):  # between the two looks it may come back from its worker into the queue
        if asked.filter(state=State.QUEUED).update(
            state=State.CANCELLED, finished=timezone.now(), **FREE
        ):
            note(job.pk, "Cancelled before it began.")
            return True
        if asked.filter(state=State.PROCESSING).update(cancel_requested=True):
            note(job.pk, "To be cancelled.")
            for working in asked.filter(state=State.PROCESSING):
                free_if_orphaned(working)
            return True
    return False


def run_again(job: Job, changes: dict[str, Any]) -> None:
    """Queue an ended job again, with other options if wanted; its transcript stays until then.

    Somebody asks for it, so a model that could not be had a moment ago is tried again.

    Raises:
        CannotRun: It has not ended, or the recording's bytes are gone.
    """
    if not has_media(job):
        raise CannotRun("The recording was removed. Upload it again to transcribe it again.")
    queued = Job.objects.filter(pk=job.pk, state__in=ENDED).update(
        state=State.QUEUED,
        stage=Stage.QUEUED,
        percent=0,
        seconds_done=0,
        queued=timezone.now(),
        started=None,
        finished=None,
        error="",
        warnings=[],
        engine=conf.ENGINE,
        engine_note="",
        cancel_requested=False,
        engine_deaths=0,
        **FREE,
        **changes,
    )
    if not queued:
        raise CannotRun("This job has not ended yet.")
    with suppress(OSError):  # models may lie where only the worker comes
        forget_failures(conf.MODELS_DIR)
    note(job.pk, "Queued again.")
    transaction.on_commit(nudge)


def delete(job: Job) -> None:
    """Delete a job with its transcript and its recording, whatever state it is in.

    A worker finds the row gone and stops. The bytes go first: a crash in between leaves a job that
    can be deleted again, and never bytes that nobody sees.
    """
    if job.upload is not None:
        with suppress(NotFound):  # the recording was removed before
            terminate(job.upload)
    with transaction.atomic():
        # Locked first: a worker that ends it this moment would add a transcript behind our back.
        for locked in Job.objects.select_for_update().filter(pk=job.pk):
            locked.delete()


def cancel_for_upload(upload_id: uuid.UUID) -> None:
    """The recording was removed: its job cannot go on. A transcript stays."""
    for job in Job.objects.filter(upload_id=upload_id, state__in=ACTIVE):
        cancel(job)


def has_media(job: Job) -> bool:
    """Whether the recording is still there."""
    return job.upload is not None and job.upload.state == UploadState.FINISHED

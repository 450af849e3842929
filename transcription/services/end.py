"""Ends of a job, and its new beginnings."""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from transcription.models import ACTIVE, ENDED, Job, Stage, State, Transcript
from transcription.services.claim import note
from transcription.services.queue import nudge
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
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
            state=state,
            stage=Stage.COMPLETE,
            percent=100,
            finished=timezone.now(),
            cancel_requested=False,
            **FREE,
            **facts,
        )
        if ended:
            Transcript.objects.update_or_create(job_id=job.pk, defaults={"segments": segments})
            note(job.pk, f"Ended: {State(state).label}.")
    return bool(ended)


def fail(job: Job, reason: str) -> bool:
    """End a job without transcript, if the claim still rules."""
    ended = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
        state=State.FAILED, error=reason, finished=timezone.now(), **FREE
    )
    if ended:
        note(job.pk, f"Failed: {reason}")
    return bool(ended)


def confirm_cancel(job: Job) -> bool:
    """End a job that its worker has stopped because it was to be cancelled."""
    ended = Job.objects.filter(
        pk=job.pk, token=job.token, state=State.PROCESSING, cancel_requested=True
    ).update(state=State.CANCELLED, finished=timezone.now(), **FREE)
    if ended:
        note(job.pk, "Cancelled.")
    return bool(ended)


def cancel(job: Job) -> bool:
    """Cancel a waiting job now, a working one through its worker; False: it has ended already."""
    if Job.objects.filter(pk=job.pk, state=State.QUEUED).update(
        state=State.CANCELLED, finished=timezone.now(), **FREE
    ):
        note(job.pk, "Cancelled before it began.")
        return True
    asked = Job.objects.filter(pk=job.pk, state=State.PROCESSING).update(cancel_requested=True)
    if asked:
        note(job.pk, "To be cancelled.")
    return bool(asked)


def run_again(job: Job, changes: dict[str, Any]) -> None:
    """Queue an ended job again, with other options if wanted; its transcript stays until then.

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
        engine_note="",
        cancel_requested=False,
        engine_deaths=0,
        **changes,
    )
    if not queued:
        raise CannotRun("This job has not ended yet.")
    note(job.pk, "Queued again.")
    transaction.on_commit(nudge)


def delete(job: Job) -> None:
    """Delete a job with its transcript and its recording, whatever state it is in.

    A worker finds the row gone and stops.
    """
    upload = job.upload
    Job.objects.filter(pk=job.pk).delete()
    if upload is not None:
        try:
            terminate(upload)
        except NotFound:
            return  # the recording was removed before


def cancel_for_upload(upload_id: uuid.UUID) -> None:
    """The recording was removed: its job cannot go on. A transcript stays."""
    for job in Job.objects.filter(upload_id=upload_id, state__in=ACTIVE):
        cancel(job)


def has_media(job: Job) -> bool:
    """Whether the recording is still there."""
    return job.upload is not None and job.upload.state == UploadState.FINISHED

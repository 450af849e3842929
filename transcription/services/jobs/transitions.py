"""The final states of a job."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils import timezone

from transcription.http.gradual_json import Encoded
from transcription.models import ACTIVE, Job, Stage, State, Transcript
from transcription.services.jobs.events import note
from transcription.services.jobs.leases import end_cancelled, free_if_orphaned
from transcription.services.sanitize import as_segments, as_text, clean_fields
from transcription.services.webhooks import outbox
from uploads.errors import NotFound
from uploads.services.termination import terminate

RELEASED_LEASE = {"token": None, "lease_expires": None}


def complete(job: Job, segments: list[dict[str, Any]] | None, facts: Mapping[str, Any]) -> bool:
    """Stores a job's transcript and completes it in one transaction, if the claim is still valid.

    Args:
        job: As claimed.
        segments: The transcript; None for a job without one.
        facts: Fields of Job from the run, such as audio_duration and warnings.

    Returns:
        Whether the job was completed; False: another worker has it, or it is gone.
    """
    state = State.WARNINGS if facts.get("warnings") else State.COMPLETED
    kept = None if segments is None else Encoded(as_segments(segments))
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).update(
            state=state,
            stage=Stage.COMPLETE,
            percent=100,
            finished=timezone.now(),
            cancel_requested=False,
            **RELEASED_LEASE,
            **clean_fields(facts),
        )
        if ended:
            if kept is not None:
                Transcript.objects.update_or_create(job_id=job.pk, defaults={"segments": kept})
            note(job.pk, f"Ended: {State(state).label}.")
            outbox.open_for(job.pk)
    return bool(ended)


def fail(job: Job, reason: str) -> bool:
    """Fails a job, if the claim is still valid.

    One that was to be cancelled is cancelled: a recording that was removed can't be read, either.

    Returns:
        Whether the job was ended.
    """
    reason = as_text(reason)
    with transaction.atomic():
        failed = Job.objects.filter(
            pk=job.pk, token=job.token, state=State.PROCESSING, cancel_requested=False
        ).update(state=State.FAILED, error=reason, finished=timezone.now(), **RELEASED_LEASE)
        if failed:
            note(job.pk, f"Failed: {reason}")
            outbox.open_for(job.pk)
    return bool(failed) or end_cancelled(job, "it was stopped.", cancel_requested=True)


def cancel(job: Job) -> bool:
    """Cancels a waiting job now, a running one through its worker; False: it has ended already."""
    asked = Job.objects.filter(pk=job.pk)
    for _ in range(2):  # in between, its worker may put it back into the queue
        if cancel_waiting(job):
            return True
        if asked.filter(state=State.PROCESSING).update(cancel_requested=True):
            note(job.pk, "To be cancelled.")
            for working in asked.filter(state=State.PROCESSING):
                free_if_orphaned(working)
            return True
    return False


def cancel_waiting(job: Job) -> bool:
    """Cancels a waiting job; False: it doesn't wait."""
    with transaction.atomic():
        cancelled = Job.objects.filter(pk=job.pk, state=State.QUEUED).update(
            state=State.CANCELLED, finished=timezone.now(), **RELEASED_LEASE
        )
        if cancelled:
            note(job.pk, "Cancelled while it waited.")
            outbox.open_for(job.pk)
    return bool(cancelled)


def delete(job: Job) -> None:
    """Deletes a job with its transcript and its recording, in any state.

    A worker notices that the row is gone and stops. The bytes are removed first: a crash in between
    leaves a job that can be deleted again, never orphaned bytes.
    """
    if job.upload is not None:
        with suppress(NotFound):  # the recording was removed before
            terminate(job.upload)
    with transaction.atomic():
        # Locked first: otherwise a worker that ends it right now would add a transcript.
        for locked in Job.objects.select_for_update().filter(pk=job.pk):
            locked.delete()


def cancel_for_upload(upload_id: uuid.UUID) -> None:
    """Cancels the job of a removed recording. Its transcript stays."""
    for job in Job.objects.filter(upload_id=upload_id, state__in=ACTIVE):
        cancel(job)

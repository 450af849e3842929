"""Creates jobs and queues them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from transcription.conf import conf
from transcription.http.gradual_json import Encoded
from transcription.media.sniff import begins_like_media, media_problem, name_problem
from transcription.models import Job, JobEvent, Priority, StageOutput, TaskType
from transcription.services.jobs import task_ids
from transcription.services.jobs.queue import queue_for
from transcription.services.options.priority import LOWERED, may_have
from transcription.services.options.upload_options import requested_id, wanted_of
from transcription.services.scheduling.turns import turn_of
from transcription.services.stages.recording import RecordingGone
from uploads.conf import conf as uploads_conf
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.services.direct_upload import DirectUpload
from uploads.services.finish import HEAD_BYTES, notify_finished
from uploads.services.maintenance.batches import in_batches
from uploads.services.read import first_bytes, metadata_of

UNHEARD_AFTER = timedelta(seconds=30)  # a request may be finishing it right now


@dataclass(frozen=True)
class JobSpec:
    """A request to transcribe a recording or process documents.

    Attributes:
        task_type: What to do.
        engine: Its name; empty: the site's (ENGINE).
        model: Its name; empty if none is needed.
        language: A code; empty: detect it.
        task: `transcribe` or `translate`.
        options: Engine options by the API's names, flat (also `device`, `align_model`,
            `min_speakers` and so on).
        params: The `task_params` that the API shows; None if the job did not come from the API.
        file_name: The client's name for the recording.
        url: The URL that it was downloaded from.
        callback_url: Receives a webhook when the job ends.
        audio_duration: In seconds, if already known.
        priority: As its owner may have it.
        given: Outputs of stages that the client provides.
    """

    task_type: TaskType = TaskType.FULL
    engine: str = ""
    model: str = ""
    language: str = ""
    task: str = "transcribe"
    options: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] | None = None
    file_name: str = ""
    url: str = ""
    callback_url: str = ""
    audio_duration: float | None = None
    priority: Priority = Priority.NORMAL
    given: Mapping[StageOutput.Name, Any] = field(default_factory=dict)


def submit_upload(upload_id: uuid.UUID) -> Job | None:
    """Creates the job of a finished upload, once; repeated calls return it.

    Returns:
        The job, or None if the upload isn't media, or is gone.
    """
    made = Job.objects.filter(upload_id=upload_id).first()
    upload = Upload.objects.filter(pk=upload_id, state=UploadState.FINISHED).first()
    if made or upload is None:
        return made
    if is_stored_only(upload):
        return None
    metadata = metadata_of(upload)
    wanted = requested_id(metadata)
    spec = JobSpec(**wanted_of(metadata, upload.file_name))
    spec, lowered = as_allowed(spec, upload)
    # Another upload with the same taskId may have finished before, or may have our id as its
    # taskId:
    # this one then gets a random identifier.
    free = wanted if wanted and task_ids.is_free_for(wanted, upload) else None
    for identifier in filter(None, (free, upload.id, uuid.uuid4())):
        taken = f" The task {wanted} was taken already." if wanted != identifier else ""
        try:
            remark = lowered + (taken if wanted else "")
            return enqueue(spec, upload.owner_id, upload, identifier, remark)
        except IntegrityError:
            if job := existing(upload):
                return job
    return None


def as_allowed(spec: JobSpec, upload: Upload) -> tuple[JobSpec, str]:
    """The request with a priority that the upload's owner may have; if changed, with a remark."""
    if spec.priority <= Priority.NORMAL or may_have(upload.owner, spec.priority):
        return spec, ""
    return replace(spec, priority=Priority.NORMAL), LOWERED


def submit_intake(spec: JobSpec, intake: DirectUpload) -> Job:
    """Keeps a file that arrived without tus and creates its job, in one transaction.

    Raises:
        Gone: Staff ended the upload meanwhile.
    """
    with transaction.atomic():
        upload = intake.keep()
        return enqueue(spec, upload.owner_id, upload, upload.id)


def enqueue(
    spec: JobSpec,
    owner_id: int | None,
    upload: Upload | None = None,
    identifier: uuid.UUID | None = None,
    remark: str = "",
    address: str = "",
) -> Job:
    """Adds a job to the queue: the only way to do so.

    Args:
        spec: What to do.
        owner_id: The job's owner.
        upload: Its recording, if it has one.
        identifier: Its identifier, if the client chose one.
        remark: For its history.
        address: The client's, if there is no upload.

    Raises:
        IntegrityError: The identifier, or the upload, has a job already.
    """
    job = Job(
        id=identifier or uuid.uuid4(),
        owner_id=owner_id,
        turn=turn_of(owner_id, upload.client_address if upload else address),
        upload=upload,
        engine=spec.engine or conf.ENGINE,
        task_type=spec.task_type,
        model=spec.model,
        language=spec.language,
        task=spec.task,
        options=dict(spec.options),
        params=None if spec.params is None else dict(spec.params),
        file_name=spec.file_name,
        url=spec.url,
        callback_url=spec.callback_url,
        priority=spec.priority,
        audio_duration=spec.audio_duration,
    )
    given = {name: Encoded(output) for name, output in spec.given.items()}
    with transaction.atomic():
        job.save(force_insert=True)
        for name, output in given.items():
            StageOutput.objects.create(job=job, name=name, output=output, given=True)
        came = "the upload is finished" if upload else "its documents are here"
        JobEvent.objects.create(job=job, what=f"Queued: {came}.{remark}")
    transaction.on_commit(partial(queue_for, job))
    return job


def existing(upload: Upload) -> Job | None:
    """The job that another process created for this upload meanwhile."""
    return Job.objects.filter(upload=upload).first()


def submit_missed(after: timedelta = UNHEARD_AFTER) -> None:
    """Creates jobs of finished uploads whose notification was lost in a crash.

    Args:
        after: The minimum time since they finished.
    """
    unheard = Upload.objects.filter(
        state=UploadState.FINISHED, notified_at=None, finished__lte=timezone.now() - after
    )
    for upload in in_batches(unheard):
        notify_finished(upload)


def is_stored_only(upload: Upload) -> bool:
    """Whether a finished upload isn't a recording, so that it is only stored.

    Raises:
        OSError: Its bytes can't be read right now.
    """
    if uploads_conf.UPLOADS_ACCEPT != "any":
        return False
    try:
        return not is_media(upload)
    except RecordingGone:
        return True


@lru_cache(maxsize=64)  # called twice when an upload finishes; its bytes don't change
def is_media(upload: Upload) -> bool:
    """Whether a finished upload is a recording, by its content and, if that is unclear, its name.

    Raises:
        RecordingGone: The store has lost it, perhaps temporarily: this is not cached.
        OSError: Its bytes can't be read right now.
    """
    head = first_bytes(upload)
    if head is None:
        raise RecordingGone
    if name_problem(upload.file_name):
        return begins_like_media(head)
    return not media_problem(upload.file_name, head, len(head) < HEAD_BYTES)

"""From "the bytes are here" to a job in the queue."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from transcription.conf import conf
from transcription.media_head import looks_like_media, name_problem
from transcription.models import Job, JobEvent
from transcription.services.queue import nudge
from transcription.services.recording import is_there
from transcription.services.storable import as_text
from transcription.vocabulary import LANGUAGES, MODELS, TASKS
from uploads.conf import conf as uploads_conf
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.protocol import parse_metadata
from uploads.services.finish import HEAD_BYTES, announce, head_of

UNHEARD_AFTER = timedelta(seconds=30)  # a request may be at it this moment


def submit_upload(upload_id: uuid.UUID) -> Job | None:
    """Make the job of a finished upload, once; another call finds it made.

    Returns:
        The job, or None where the upload is no media, or is gone.
    """
    made = Job.objects.filter(upload_id=upload_id).first()
    upload = Upload.objects.filter(pk=upload_id, state=UploadState.FINISHED).first()
    if made or upload is None:
        return made
    if uploads_conf.UPLOADS_ACCEPT == "any" and not is_media(upload):
        return None
    metadata = parse_metadata(upload.metadata)
    wanted = requested_id(metadata)
    facts = {
        "owner_id": upload.owner_id,
        "upload": upload,
        "file_name": upload.file_name,
        "engine": conf.ENGINE,
        **options_of(metadata),
    }
    # Another upload with the same taskId may have finished before, or have taken our own id for
    # its taskId: this one then gets an identifier that nobody can have thought of.
    for identifier in filter(None, (wanted, upload.id, uuid.uuid4())):
        job = insert(Job(id=identifier, **facts), wanted) or existing(upload)
        if job:
            return job
    return None


def insert(job: Job, wanted: uuid.UUID | None) -> Job | None:
    """Put the job into the queue; None where its identifier or its upload has a job already."""
    taken = f" The task {wanted} was another job already." if wanted not in (None, job.id) else ""
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            JobEvent.objects.create(job=job, what=f"Queued: the upload is finished.{taken}")
    except IntegrityError:
        return None
    transaction.on_commit(nudge)
    return job


def existing(upload: Upload) -> Job | None:
    """The job that another process has made of this upload in the meantime."""
    return Job.objects.filter(upload=upload).first()


def submit_unheard(after: timedelta = UNHEARD_AFTER) -> None:
    """Make the jobs of finished uploads that a crash has kept from being announced.

    Args:
        after: How long ago they must have finished.
    """
    unheard = Upload.objects.filter(
        state=UploadState.FINISHED, announced=None, finished__lte=timezone.now() - after
    )
    for upload in unheard.iterator():
        announce(upload)


def options_of(metadata: Mapping[str, bytes]) -> dict[str, Any]:
    """What the client asked for, as fields of a job; what we do not know counts as not said.

    Where only recordings are taken, such words were refused before a byte came. Never may a client
    name a folder or a repository of its own choice as model.
    """
    language, model, task = (text(metadata, key) for key in ("language", "model", "task"))
    return {
        "language": language if language in LANGUAGES else "",
        "model": model if model in MODELS else conf.WHISPER_MODEL,
        "task": task if task in TASKS else "transcribe",
    }


def cannot_be_media(upload: Upload) -> bool:
    """Whether the name alone says that a stored file is no recording; costs no query."""
    return uploads_conf.UPLOADS_ACCEPT == "any" and bool(name_problem(upload.file_name))


def is_media(upload: Upload) -> bool:
    """Whether a stored file is worth a job."""
    if not is_there(upload):
        return False
    head = head_of(upload)
    return not looks_like_media(upload.file_name, head, len(head) < HEAD_BYTES)


def requested_id(metadata: Mapping[str, bytes]) -> uuid.UUID | None:
    """The job identifier that the client chose by `taskId`, if it is a UUID."""
    try:
        return uuid.UUID(text(metadata, "taskId"))
    except ValueError:
        return None


def text(metadata: Mapping[str, bytes], key: str) -> str:
    """A metadata value as text; bytes that are no UTF-8 count as nothing that we know."""
    return as_text(metadata.get(key, b"").decode("utf-8", "replace").strip())

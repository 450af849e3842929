"""From "the bytes are here" to a job in the queue."""

import uuid
from collections.abc import Mapping

from django.db import IntegrityError, transaction

from transcription.conf import conf
from transcription.media_head import looks_like_media
from transcription.models import Job, JobEvent
from transcription.services.queue import nudge
from uploads.conf import conf as uploads_conf
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.protocol import parse_metadata
from uploads.services.finish import HEAD_BYTES, head_of


def submit_upload(upload_id: uuid.UUID) -> Job | None:
    """Make the job of a finished upload, once; another call finds it made.

    Returns:
        The job, or None where the upload is no media or has ended meanwhile.
    """
    upload = Upload.objects.get(pk=upload_id)
    made = Job.objects.filter(upload=upload).first()
    if made or upload.state != UploadState.FINISHED:
        return made
    if uploads_conf.UPLOADS_ACCEPT == "any" and not is_media(upload):
        return None
    metadata = parse_metadata(upload.metadata)
    wanted = requested_id(metadata)
    job = Job(
        id=wanted or upload.id,
        owner_id=upload.owner_id,
        upload=upload,
        file_name=upload.file_name,
        engine=conf.ENGINE,
        model=text(metadata, "model") or conf.WHISPER_MODEL,
        language="" if text(metadata, "language") == "auto" else text(metadata, "language"),
        task=text(metadata, "task") or "transcribe",
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            JobEvent.objects.create(job=job, what="Queued: the upload is finished.")
    except IntegrityError:
        made = Job.objects.filter(upload=upload).first()
        if made:
            return made  # another process was first
        # Another upload with the same taskId finished before: this one keeps its own id.
        job.id = upload.id
        with transaction.atomic():
            job.save(force_insert=True)
            JobEvent.objects.create(job=job, what=f"Queued; {wanted} was already another job.")
    transaction.on_commit(nudge)
    return job


def is_media(upload: Upload) -> bool:
    """Whether a stored file is worth a job."""
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
    return metadata.get(key, b"").decode("utf-8", "replace").strip()

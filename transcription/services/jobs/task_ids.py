"""Reserves the job identifiers that clients choose (`taskId`), without revealing them.

Whether an identifier belongs to another user's job or upload stays hidden: such an upload is
accepted, and its job gets another identifier, which the response names.
"""

import uuid

from django.db.models import Q

from transcription.models import Job, RequestedId
from transcription.services.options.upload_options import requested_id
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.services.read import metadata_of


def reserve(upload: Upload) -> None:
    """Reserves the identifier that a new upload's client chose, if any."""
    wanted = requested_id(metadata_of(upload))
    if wanted is not None:
        RequestedId.objects.get_or_create(upload=upload, defaults={"identifier": wanted})


def is_own_job(identifier: uuid.UUID, owner_id: int | None) -> bool:
    """Whether it is a job of this user."""
    return Job.objects.filter(pk=identifier, owner_id=owner_id).exists()


def is_free_for(identifier: uuid.UUID, upload: Upload) -> bool:
    """Whether no other user has reserved it, by a `taskId` or as an upload's own id."""
    earlier = RequestedId.objects.filter(identifier=identifier, upload__created__lt=upload.created)
    unfinished = Q(upload__state=UploadState.RECEIVING)
    without_job = Q(upload__state=UploadState.FINISHED, upload__job=None)
    waiting = earlier.filter(unfinished | without_job).exclude(upload__owner_id=upload.owner_id)
    others = Upload.objects.filter(pk=identifier).exclude(owner_id=upload.owner_id)
    return not (waiting.exists() or others.exists())

"""The identifiers that clients want for their jobs (`taskId`): kept for them, and no one's news.

That an identifier names another person's job, or is wanted by another's upload, nobody is told: an
upload with it is taken, and its job gets another one, which the answer tells.
"""

import uuid

from django.db.models import Q

from transcription.models import Job, RequestedId
from transcription.services.options.upload_options import requested_id
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.services.read import metadata_of


def reserve(upload: Upload) -> None:
    """Keep the identifier that a new upload's client wants, if it wants one."""
    wanted = requested_id(metadata_of(upload))
    if wanted is not None:
        RequestedId.objects.get_or_create(upload=upload, defaults={"identifier": wanted})


def is_own_job(identifier: uuid.UUID, owner_id: int | None) -> bool:
    """Whether it names a job of this person already."""
    return Job.objects.filter(pk=identifier, owner_id=owner_id).exists()


def is_free_for(identifier: uuid.UUID, upload: Upload) -> bool:
    """Whether no other person waits for it: by an earlier `taskId`, or as an upload's own."""
    earlier = RequestedId.objects.filter(identifier=identifier, upload__created__lt=upload.created)
    unfinished = Q(upload__state=UploadState.RECEIVING)
    without_job = Q(upload__state=UploadState.FINISHED, upload__job=None)
    waiting = earlier.filter(unfinished | without_job).exclude(upload__owner_id=upload.owner_id)
    others = Upload.objects.filter(pk=identifier).exclude(owner_id=upload.owner_id)
    return not (waiting.exists() or others.exists())

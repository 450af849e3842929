"""What becomes of uploads: three lines each."""

import uuid
from typing import Any

from django.dispatch import receiver

from transcription.services.end import cancel_for_upload
from transcription.services.submit import is_stored_only, submit_upload
from uploads.models import Upload
from uploads.signals import upload_finished, upload_terminated


@receiver(upload_finished)
def make_job(upload_id: uuid.UUID, upload: Upload, **kwargs: Any) -> None:
    """A finished upload becomes a job."""
    if not is_stored_only(upload):
        submit_upload(upload_id)


@receiver(upload_terminated)
def cancel_job(upload_id: uuid.UUID, **kwargs: Any) -> None:
    """A recording that was removed needs no job."""
    cancel_for_upload(upload_id)

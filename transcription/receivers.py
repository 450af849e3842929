"""Receivers of the signals of `uploads` and Django."""

import uuid
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from transcription.services.jobs import task_ids
from transcription.services.jobs.owners import delete_all_of
from transcription.services.jobs.submit import is_stored_only, submit_upload
from transcription.services.jobs.transitions import cancel_for_upload
from uploads.models import Upload
from uploads.signals import upload_created, upload_finished, upload_terminated


@receiver(upload_created)
def reserve_identifier(upload: Upload, **kwargs: Any) -> None:
    if "taskId" in upload.metadata:
        task_ids.reserve(upload)


@receiver(upload_finished)
def make_job(upload_id: uuid.UUID, upload: Upload, **kwargs: Any) -> None:
    if not is_stored_only(upload):
        submit_upload(upload_id)


@receiver(upload_terminated)
def cancel_job(upload_id: uuid.UUID, **kwargs: Any) -> None:
    cancel_for_upload(upload_id)


@receiver(pre_delete, sender=settings.AUTH_USER_MODEL)
def delete_jobs(instance: Model, **kwargs: Any) -> None:
    delete_all_of(instance.pk)

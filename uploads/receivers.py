"""Receivers of Django's own signals."""

from typing import Any

from django.conf import settings
from django.db.models import Model
from django.db.models.signals import pre_delete

from uploads.services.maintenance.owners import terminate_all_of


def remove_uploads(instance: Model, **unused: Any) -> None:
    """A deleted user's uploads are deleted, too."""
    terminate_all_of(instance.pk)


pre_delete.connect(
    remove_uploads, sender=settings.AUTH_USER_MODEL, dispatch_uid="uploads.remove_uploads"
)

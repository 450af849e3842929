"""Resumable uploads for any Django site."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def declare_schedules(**kwargs: Any) -> None:
    """Schedules are rows, so they are created after migrations."""
    from uploads.tasks import declare_schedules as declare

    declare()


class UploadsConfig(AppConfig):
    name = "uploads"
    verbose_name = "Uploads"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from uploads import checks, receivers  # noqa: F401  (they register themselves)

        post_migrate.connect(declare_schedules, sender=self, dispatch_uid="uploads.schedules")

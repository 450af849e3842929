"""Recordings become transcripts."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def declare_schedules(**kwargs: Any) -> None:
    """Schedules are rows, so they are created after migrations."""
    from transcription.services.jobs.queue import declare_schedules as declare

    declare()


class TranscriptionConfig(AppConfig):
    name = "transcription"
    verbose_name = "Transcription"

    def ready(self) -> None:
        from transcription import checks, receivers  # noqa: F401  (they register themselves)

        post_migrate.connect(declare_schedules, sender=self, dispatch_uid="transcription.schedules")

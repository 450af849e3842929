"""`manage.py check`: Django's own, and with `--tag models` what is missing to transcribe.

A site works without models: they are downloaded with the first job, or a fallback is used. So they
are only checked on request.
"""

from typing import Any

from django.core.checks import register
from django.core.checks.registry import registry
from django.core.management.commands import check

from transcription.model_checks import TAG, models_are_there


class Command(check.Command):
    """Adds the tag `models`, while it runs."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if not (options["list_tags"] or TAG in (options["tags"] or ())):
            super().handle(*app_labels, **options)
            return
        register(models_are_there, TAG)
        try:
            super().handle(*app_labels, **options)
        finally:
            registry.registered_checks.discard(models_are_there)

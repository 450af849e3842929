"""`manage.py qcluster`: like django-q's, but it doesn't start workers that could only fail."""

from typing import Any

from django.core.management.base import CommandError
from django_q.management.commands import qcluster

from whisperx_site.command_line.logged_output import LoggedCommand
from whisperx_site.configuration.database_state import database_problem


class Command(LoggedCommand, qcluster.Command):  # type: ignore[misc]
    def handle(self, *args: Any, **options: Any) -> None:
        problem = database_problem()
        if problem:
            raise CommandError(problem)
        super().handle(*args, **options)

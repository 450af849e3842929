"""`manage.py cleanup_uploads`: the cleanup by hand; the schedule is the other door to it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from uploads.models import CleanupRun
from uploads.services.cleanup import clean_up
from uploads.services.faults import DISK_IS_FULL, is_disk_full


class Command(BaseCommand):
    """Removes what is overdue, and says what."""

    help = "Remove expired uploads and stray files; finish what a crash left half done."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--dry-run`: only name it."""
        parser.add_argument(
            "--dry-run", action="store_true", help="Change nothing, name what would go."
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Run and report."""
        try:
            run = clean_up(CleanupRun.Trigger.COMMAND, dry_run=dry_run)
        except DatabaseError as problem:
            if not is_disk_full(problem):
                raise
            raise CommandError(DISK_IS_FULL) from problem
        for line in run.details:
            self.stdout.write(("would have " if dry_run else "") + line)
        for line in run.errors:
            self.stderr.write(line)
        verb = "would be" if dry_run else "were"
        self.stdout.write(
            f"{run.expired} uploads {verb} expired, {run.strays} stray files {verb} removed, "
            f"{run.bytes_freed} bytes {verb} freed."
        )

"""`manage.py cleanup_uploads`: the cleanup by hand; the schedule is the other door to it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from uploads.models import CleanupRun
from uploads.services.cleanup import clean_up


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
        run = clean_up(CleanupRun.Trigger.COMMAND, dry_run=dry_run)
        for line in run.details:
            self.stdout.write(("would have " if dry_run else "") + line)
        for line in run.errors:
            self.stderr.write(line)
        verb = "would be" if dry_run else "were"
        self.stdout.write(
            f"{run.expired} uploads {verb} expired, {run.strays} stray files {verb} removed, "
            f"{run.bytes_freed} bytes {verb} freed."
        )

"""`manage.py cleanup_uploads`: runs the same cleanup as the schedule."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from uploads.management.consent import agree
from uploads.management.output import write_json
from uploads.models import CleanupRun
from uploads.services.error_mapping import DISK_IS_FULL, is_disk_full
from uploads.services.maintenance.cleanup import clean_up
from uploads.services.maintenance.inventory import take_inventory
from uploads.services.maintenance.store_identity import identity_problem

TOLD = (
    *("started", "ended", "dry_run", "expired", "recovered", "lost", "strays", "bytes_freed"),
    *("orphans_kept", "orphans_kept_bytes", "details", "errors"),
)
"""The fields of a run that `--json` prints."""


class Command(BaseCommand):
    """Exit code 1 if part of it failed."""

    help = "Remove expired uploads and orphaned files; finish uploads that a crash interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Change nothing; list what would be removed."
        )
        parser.add_argument(
            "--remove-orphans",
            action="store_true",
            help="Remove files that belong to no upload, even if there are many; asks first.",
        )
        parser.add_argument("--no-input", action="store_true", help="Do not ask for confirmation.")
        parser.add_argument("--json", action="store_true", help="Print JSON, for programs.")

    def check(self, *args: Any, **options: Any) -> None:
        """Django 6.1 would open the database, which a full disk may prevent until there is room."""
        super().check(*args, **{**options, "databases": []})

    def handle(
        self, *args: Any, dry_run: bool, remove_orphans: bool, no_input: bool, **options: Any
    ) -> None:
        confirmed = self.confirmed(no_input or dry_run) if remove_orphans else 0
        try:
            run = clean_up(CleanupRun.Trigger.COMMAND, dry_run=dry_run, confirmed=confirmed)
        except DatabaseError as problem:
            if not is_disk_full(problem):
                raise
            raise CommandError(DISK_IS_FULL) from problem
        if options["json"]:
            write_json(self.stdout, {name: getattr(run, name) for name in TOLD})
        else:
            self.tell(run, dry_run)
        if run.errors:
            raise CommandError(
                f"The cleanup is not complete; errors: {len(run.errors)}, see above."
            )

    def tell(self, run: CleanupRun, dry_run: bool) -> None:
        """What was done, or would be."""
        for line in run.details:
            self.stdout.write(("would have " if dry_run else "") + line)
        for line in run.errors:
            self.stderr.write(line)
        verb = "would be" if dry_run else "were"
        self.stdout.write(
            f"{run.expired} uploads {verb} expired, {run.strays} orphaned files {verb} removed, "
            f"{run.bytes_freed} bytes {verb} freed."
        )
        if run.orphans_kept:
            self.stdout.write(
                f"{run.orphans_kept} files ({filesizeformat(run.orphans_kept_bytes)}) belong to no "
                "upload and are kept. Unless another database uses them, remove them with "
                "`manage.py cleanup_uploads --remove-orphans`."
            )

    def confirmed(self, no_input: bool) -> int:
        """The number of orphans to remove, once the user confirms."""
        if identity_problem(join=False) is not None:
            return 0  # the cleanup reports the problem
        found = take_inventory()
        count = len(found.orphans)
        if count:
            size = filesizeformat(found.orphan_bytes)
            agree(no_input, f"Remove {count} files ({size}) that belong to no upload?")
        return count

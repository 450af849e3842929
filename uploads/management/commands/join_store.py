"""`manage.py join_store`: makes the upload store belong to this database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from uploads.management.consent import agree
from uploads.models import State
from uploads.services.maintenance.cleanup import orphans_kept
from uploads.services.maintenance.inventory import Inventory, take_inventory
from uploads.services.maintenance.store_identity import identity_problem, renew_identity


class Command(BaseCommand):
    """Shows the consequences first, and asks."""

    help = (
        "Make the files in UPLOADS_DIR belong to the database in use. Shows "
        "the consequences first; removes nothing itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Only show the consequences; change nothing."
        )
        parser.add_argument("--no-input", action="store_true", help="Do not ask for confirmation.")

    def handle(self, *args: Any, dry_run: bool, no_input: bool, **options: Any) -> None:
        problem = identity_problem(join=not dry_run)
        if problem is None:
            self.stdout.write("The upload store already belongs to this database: nothing to do.")
            return
        self.stdout.write(problem.reason)
        try:
            self.tell(take_inventory(is_own=False))
        except OSError as fault:
            raise CommandError(f"The store can't be read: {fault}") from fault
        if dry_run:
            return
        agree(no_input, "Join this store and this database?")
        try:
            renew_identity()
        except OSError as fault:
            raise CommandError(f"The store can't be written: {fault}") from fault
        self.stdout.write("Joined. No other database can use this store now.")

    def tell(self, found: Inventory) -> None:
        """Prints what store and database have in common, and what the next cleanup would do."""
        finished = sum(upload.state == State.FINISHED for upload in found.missing)
        unfinished = len(found.missing) - finished
        orphans = len(found.orphans)
        size = filesizeformat(found.orphan_bytes)
        fate = "stay until you run `manage.py cleanup_uploads --remove-orphans`"
        if not found.orphans_need_consent(were_kept=orphans_kept() is not None):
            fate = "are REMOVED by the next cleanup"
        self.stdout.write(
            f"- files in the store: {found.files}\n"
            f"- of them unknown to this database: {orphans} ({size})"
            + (f"; once joined they {fate}\n" if orphans else "\n")
            + f"- finished uploads without their bytes: {finished}; they are marked as lost, and "
            "their rows are kept\n"
            f"- unfinished uploads without their bytes: {unfinished}; they end, or go back to the "
            "bytes that are left"
        )

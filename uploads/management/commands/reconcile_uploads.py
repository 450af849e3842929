"""`manage.py reconcile_uploads`: where rows and files differ, and what to do about it."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from uploads.errors import Unavailable
from uploads.management.consent import agree
from uploads.management.examples import CommandWithExamples
from uploads.management.output import write_json, write_table
from uploads.management.progress import Progress
from uploads.models import CleanupRun, Upload
from uploads.services.maintenance.inventory import Inventory
from uploads.services.maintenance.reconciliation import Difference, Kind, mend, reconcile

HEAD = ("id", "difference", "state", "expected", "held", "name")
SHORT = 40
"""Characters of a name in the table."""
BY_MARKING = (Kind.MISSING, Kind.SHORTER, Kind.RETURNED)
BY_REMOVING = (Kind.LEFTOVER, Kind.ORPHAN)
EXAMPLES = """\
Changes nothing unless it is told to. An upload whose request is at work right now is left out, and
so are files that changed within the last two minutes: their row may be about to be written.

differences:
  missing    the row expects bytes, and there is no file
  shorter    some of the bytes that the client was told to be stored are missing
  longer     the file is longer than the upload; nothing mends that, a backup may help
  returned   the upload is marked as lost, but all its bytes are there (again)
  leftover   the upload has ended, and its bytes should be gone
  orphan     a file that belongs to no upload
  young      the same, but less than an hour old: it is never removed

examples:
  manage.py reconcile_uploads                       what differs
  manage.py reconcile_uploads --json | jq '.differences[] | select(.kind == "missing")'
  manage.py reconcile_uploads --mark-lost           after a backup of the database was restored
  manage.py reconcile_uploads --remove-orphans      says how many and how much, and asks
  manage.py reconcile_uploads --remove-orphans --no-input     for cron

exit status: 0 all agree (now), 1 something differs or could not be compared, 2 wrong arguments
"""


class Command(CommandWithExamples):
    """Exit code 1 if something still differs."""

    help = "Compare the rows of all uploads with the files in the store, and report differences."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mark-lost",
            action="store_true",
            help="make rows say what is there: finished uploads without all their bytes are marked "
            "as lost, or no longer; unfinished ones resume at what is left, or end without a file",
        )
        parser.add_argument(
            "--remove-orphans",
            action="store_true",
            help="remove files that belong to no upload, even if there are many, and what is left "
            "of ended uploads; asks first",
        )
        parser.add_argument("--no-input", action="store_true", help="do not ask for confirmation")
        parser.add_argument(
            "--limit", type=int, default=50, help="differences in the table; default: 50"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        found, differences = self.compare()
        if not options["json"]:
            self.tell(found, differences)
        run = self.mended(differences)
        left = self.compare()[1] if run else differences
        if options["json"]:
            self.print_json(found, differences, run, left)
        elif run:
            self.tell_mended(run, left)
        elif left:
            self.advise(left)
        if run and run.errors:
            raise CommandError("Not all of it was done; see above.")
        if left:
            raise CommandError(f"{len(left)} of them differ.")

    def compare(self) -> tuple[Inventory, list[Difference]]:
        count = Upload.objects.filter(has_bytes=True).count()
        try:
            with Progress(sys.stderr, "uploads compared", count) as progress:
                return reconcile(progress.step)
        except Unavailable as problem:
            raise CommandError(problem.message) from problem
        except OSError as problem:
            raise CommandError(f"The store can't be read: {problem}") from problem

    def mended(self, differences: list[Difference]) -> CleanupRun | None:
        """What was done about them; None: nothing was to be done."""
        kinds = {difference.kind for difference in differences}
        mark_lost = self.options["mark_lost"] and not kinds.isdisjoint(BY_MARKING)
        confirmed = None
        if self.options["remove_orphans"] and not kinds.isdisjoint(BY_REMOVING):
            going = [one for one in differences if one.kind in BY_REMOVING]
            size = filesizeformat(sum(one.held or 0 for one in going))
            question = f"Remove {len(going)} files ({size}) that no upload needs?"
            agree(self.options["no_input"], f"{question} This can't be undone.")
            confirmed = sum(one.kind == Kind.ORPHAN for one in going)
        return mend(mark_lost, confirmed) if mark_lost or confirmed is not None else None

    def tell(self, found: Inventory, differences: list[Difference]) -> None:
        shown = differences[: max(1, self.options["limit"])]
        write_table(self.stdout, HEAD, map(columns, shown))
        more = len(differences) - len(shown)
        if more:
            self.stderr.write(f"{more} more; see --limit.")
        compared = f"{found.uploads} uploads and {found.files} files compared"
        counts = Counter(difference.kind for difference in differences)
        told = ", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind])
        self.stdout.write(f"{compared}: {told or 'all agree'}.")

    def advise(self, left: list[Difference]) -> None:
        kinds = {difference.kind for difference in left}
        if not kinds.isdisjoint(BY_MARKING):
            self.stdout.write("Let the rows say what is there: --mark-lost")
        if not kinds.isdisjoint(BY_REMOVING):
            self.stdout.write("Remove what no upload needs: --remove-orphans")

    def tell_mended(self, run: CleanupRun, left: list[Difference]) -> None:
        for line in run.details:
            self.stdout.write(line)
        for line in run.errors:
            self.stderr.write(line)
        self.stdout.write(f"{run.bytes_freed} bytes were freed; {len(left)} differences are left.")

    def print_json(
        self,
        found: Inventory,
        differences: list[Difference],
        run: CleanupRun | None,
        left: list[Difference],
    ) -> None:
        write_json(
            self.stdout,
            {
                "uploads": found.uploads,
                "files": found.files,
                "differences": [asdict(one) for one in differences],
                "mended": run.details if run else [],
                "bytes_freed": run.bytes_freed if run else 0,
                "errors": run.errors if run else [],
                "left": [asdict(one) for one in left],
            },
        )


def columns(one: Difference) -> Sequence[str]:
    """Its line in the table."""
    expected, held = ("–" if size is None else str(size) for size in (one.expected, one.held))
    return one.name, one.kind.label, one.state, expected, held, one.file_name[:SHORT]

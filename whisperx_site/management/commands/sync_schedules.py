"""`manage.py sync_schedules`: what the site does regularly, and whether it is still planned so."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from uploads.management.examples import CommandWithExamples
from uploads.management.output import write_json, write_table
from whisperx_site.processes.schedules import Comparison, compare, create_missing, reset

HEAD = ("schedule", "function", "every", "state")
EXAMPLES = """\
Staff can change, pause and delete schedules in the admin. Without them the site goes on to serve,
but no upload expires, no job is queued again after a crash, and no webhook is sent a second time.
Schedules that staff added themselves are left alone.

examples:
  manage.py sync_schedules                 creates missing ones, shows changed ones
  manage.py sync_schedules --dry-run       changes nothing
  manage.py sync_schedules --reset         all run again as in a new site, also those on pause
  manage.py sync_schedules --json | jq '.[] | select(.state == "changed")'

exit status: 0 all are as in a new site (now), 1 some are not, 2 wrong arguments
"""


class Command(CommandWithExamples):
    """Exit code 1 if a schedule is still missing or changed."""

    help = "Create the site's missing schedules, show changed ones, and reset them if asked to."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        do = parser.add_mutually_exclusive_group()
        do.add_argument("--dry-run", action="store_true", help="change nothing")
        do.add_argument(
            "--reset",
            action="store_true",
            help="restore function, interval and arguments of changed ones, and end their pause",
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = compare()
        if not options["dry_run"]:
            create_missing()
        if options["reset"]:
            for one in found:
                if one.changes:
                    reset(one)
        left = {one.name for one in compare() if one.row is None or one.changes}
        facts = [facts_of(one, one.name in left) for one in found]
        if options["json"]:
            write_json(self.stdout, facts)
        else:
            write_table(self.stdout, HEAD, [columns(one) for one in facts])
        if left:
            raise CommandError(f"{len(left)} of {len(found)} schedules are not as in a new site.")


def facts_of(one: Comparison, is_left: bool) -> dict[str, Any]:
    """What was found, and what became of it."""
    if one.row is None:
        state = "missing" if is_left else "created"
    elif one.changes:
        state = "changed" if is_left else "reset"
    else:
        state = "good"
    return {
        "name": one.name,
        "func": one.declared.func,
        "minutes": one.declared.minutes,
        "state": state,
        "changes": one.changes,
    }


def columns(facts: dict[str, Any]) -> Sequence[str]:
    """A schedule's line in the table."""
    changes = ", ".join(
        f"{field} {one['now']} instead of {one['declared']}"
        for field, one in facts["changes"].items()
    )
    state = f"{facts['state']}: {changes}" if changes else facts["state"]
    return facts["name"], facts["func"], f"{facts['minutes']} min", state

"""`manage.py uploads`: shows uploads and steers them, as the admin does."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timesince import timesince

from uploads.errors import NotFound
from uploads.http.protocol import shown_metadata
from uploads.management.consent import agree
from uploads.management.rows import write_facts, write_json, write_table
from uploads.models import State, Upload
from uploads.services import expiration, termination
from uploads.services.maintenance.holdings import holdings
from uploads.services.maintenance.verification import verify

HEAD = ("id", "name", "state", "received", "last activity", "owner", "failure")
SHORT = 40
"""Characters of a name or a failure in the list."""
EPILOG = """\
An upload is named by its id, with or without dashes, or by its address.

examples:
  manage.py uploads list --quiet 15               unfinished, and without a byte for 15 minutes
  manage.py uploads list --state all --json       for programs
  manage.py uploads show 5bd5f0f0a1a74b1f8f0c7f6a6f0d1c11
  manage.py uploads extend ID                     its expiration time begins again
  manage.py uploads expire ID ID --no-input       ends unfinished ones, without a question
  manage.py uploads verify                        looks for lost bytes of all uploads

exit status: 0 all of it was done, 1 some of it was not (stderr says why), 2 wrong arguments
"""


class Command(BaseCommand):
    """Each action is a method with its name."""

    help = "Show uploads, extend, expire or terminate them, or verify their bytes."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keeps the line breaks of the examples."""
        from django.core.management.base import DjangoHelpFormatter

        class Formatter(DjangoHelpFormatter):
            def _fill_text(self, text: str, width: int, indent: str) -> str:
                return text

        made = super().create_parser(prog_name, subcommand, epilog=EPILOG, **kwargs)
        made.formatter_class = Formatter
        return made

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

        def action(name: str, help: str, ids: str = "") -> Any:
            added = actions.add_parser(name, help=help, description=help)
            if ids:
                added.add_argument("ids", nargs=ids, metavar="ID")
            added.add_argument("--json", action="store_true", help="print JSON, for programs")
            return added

        listed = action("list", "List uploads, the newest first.")
        states = (*State.values, "all")
        listed.add_argument(
            "--state", choices=states, default=State.RECEIVING, help="default: receiving"
        )
        listed.add_argument(
            "--quiet", type=float, metavar="MINUTES", help="without any activity for so long"
        )
        listed.add_argument("--owner", help="a user name; - for uploads without an owner")
        listed.add_argument("--name", help="a part of the file's name")
        listed.add_argument("--limit", type=int, default=50, help="default: 50")
        action("show", "Show all that is known of an upload.", "+")
        action("extend", "Restart the expiration time of unfinished uploads.", "+")
        action("verify", "Compare the bytes in the store with the rows; changes nothing.", "*")
        for name, help in (
            ("expire", "End unfinished uploads now, and remove their bytes."),
            ("terminate", "End uploads, even finished ones, and remove their bytes."),
        ):
            action(name, help, "+").add_argument(
                "--no-input", action="store_true", help="do not ask for confirmation"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        self.missed = 0
        getattr(self, options["action"])()
        if self.missed:
            raise CommandError(f"{self.missed} of them not done; see above.", returncode=1)

    # What it shows ------------------------------------------------------------------------------

    def list(self) -> None:
        found = list(self.wanted()[: max(1, self.options["limit"])])
        if self.options["json"]:
            write_json(self.stdout, [facts(upload) for upload in found])
            return
        write_table(self.stdout, HEAD, map(columns, found))
        more = self.wanted().count() - len(found)
        if more:
            self.stderr.write(f"{more} more; see --limit.")

    def wanted(self) -> "QuerySet[Upload]":
        """The uploads that the list's options ask for."""
        options = self.options
        found = Upload.objects.select_related("owner").order_by("-created")
        if options["state"] != "all":
            found = found.filter(state=options["state"])
        if options["quiet"] is not None:
            since = timezone.now() - timedelta(minutes=options["quiet"])
            found = found.filter(last_activity__lt=since)
        if options["owner"]:
            name = f"owner__{Upload.owner.field.related_model.USERNAME_FIELD}"
            owned = Q(owner=None) if options["owner"] == "-" else Q(**{name: options["owner"]})
            found = found.filter(owned)
        if options["name"]:
            found = found.filter(file_name__icontains=options["name"])
        return found

    def show(self) -> None:
        shown = [facts(upload) for upload in self.chosen()]
        if self.options["json"]:
            write_json(self.stdout, shown)
            return
        for number, upload in enumerate(shown):
            if number:
                self.stdout.write("")
            metadata = [f"{key}: {value}" for key, value in upload.pop("metadata").items()]
            write_facts(self.stdout, {**upload, "metadata": metadata})

    def verify(self) -> None:
        """Without ids, all that must have bytes."""
        living = Q(state__in=(State.RECEIVING, State.FINISHED), has_bytes=True)
        every = Upload.objects.filter(living).order_by("created")
        among = self.chosen() if self.options["ids"] else every.iterator()
        told, count = [], 0
        for upload in among:
            count += 1
            try:
                found = verify(upload)
                good, said = found.is_good, str(found)
            except OSError as problem:
                good, said = False, f"The store can't be read: {problem}"
            self.missed += not good
            told.append({"id": upload.id.hex, "good": good, "found": said})
            if not self.options["json"] and (not good or self.options["ids"]):
                self.stdout.write(f"{upload.id.hex}  {'good' if good else 'BAD'}: {said}")
        if self.options["json"]:
            write_json(self.stdout, told)
        elif not self.options["ids"]:
            self.stdout.write(f"{count} verified, {self.missed} with lost bytes.")

    # What it does -------------------------------------------------------------------------------

    def extend(self) -> None:
        self.each("extended", lambda upload: "" if expiration.extend(upload) else ENDED)

    def expire(self) -> None:
        def one(upload: Upload) -> str:
            freed = termination.expire(upload, reason="Expired by a command.")
            return ENDED if freed is None else ""

        self.ask("Expire", State.RECEIVING)
        self.each("expired", one)

    def terminate(self) -> None:
        def one(upload: Upload) -> str:
            try:
                termination.terminate(upload)
            except NotFound:
                return ENDED
            return ""

        self.ask("Terminate", State.RECEIVING, State.FINISHED)
        self.each("terminated", one)

    def ask(self, verb: str, *states: str) -> None:
        """Says what will be lost, and returns only if the user agrees."""
        keys = [key for name in self.options["ids"] if (key := key_in(name))]
        lost = holdings(Upload.objects.filter(pk__in=keys, state__in=states))
        if lost.count:
            finished = f", {lost.finished} of them finished" if lost.finished else ""
            size = filesizeformat(lost.size)
            question = f"{verb} {lost.count} uploads{finished}, and remove {size}?"
            agree(self.options["no_input"], f"{question} This can't be undone.")

    def each(self, done: str, do: Callable[[Upload], str]) -> None:
        """Does it to the chosen uploads, and says what became of each.

        Args:
            done: What is said of success.
            do: Returns why it could not be done; empty: it was.
        """
        told = []
        for upload in self.chosen():
            reason = do(upload)
            self.missed += bool(reason)
            told.append({"id": upload.id.hex, "done": not reason, "reason": reason})
            if not self.options["json"]:
                said = f"{upload.id.hex}  {reason or done}"
                (self.stderr if reason else self.stdout).write(said)
        if self.options["json"]:
            write_json(self.stdout, told)

    def chosen(self) -> Iterator[Upload]:
        """The uploads whose ids were given; tells of those that do not exist."""
        for name in self.options["ids"]:
            key = key_in(name)
            found = Upload.objects.select_related("owner").filter(pk=key).first() if key else None
            if found is None:
                self.missed += 1
                self.stderr.write(f"{name}: There is no such upload.")
            else:
                yield found


ENDED = "It has ended already, or is finished."


def key_in(name: str) -> uuid.UUID | None:
    """The id in what the user gave: itself, or the last part of an address."""
    last = name.strip().rstrip("/").rpartition("/")[2].replace("-", "")
    return uuid.UUID(hex=last) if re.fullmatch("[0-9a-fA-F]{32}", last) else None


def columns(upload: Upload) -> tuple[str, ...]:
    """A line of the list."""
    total = "?" if upload.length is None else filesizeformat(upload.length)
    return (
        upload.id.hex,
        upload.file_name[:SHORT],
        "bytes lost" if upload.lost else upload.get_state_display(),
        f"{filesizeformat(upload.offset)} of {total}",
        f"{timesince(upload.last_activity, depth=1)} ago",
        str(upload.owner or ""),
        upload.failure[:SHORT],
    )


def facts(upload: Upload) -> dict[str, Any]:
    """All that is known of an upload."""
    return {
        "id": upload.id.hex,
        "name": upload.file_name,
        "state": upload.state,
        "offset": upload.offset,
        "length": upload.length,
        "owner": str(upload.owner) if upload.owner else None,
        "metadata": dict(shown_metadata(upload.metadata)),
        "concat": upload.concat or None,
        "client_address": upload.client_address,
        "client_agent": upload.client_agent,
        "created": upload.created,
        "last_activity": upload.last_activity,
        "finished": upload.finished,
        "expires": upload.expires,
        "lost": upload.lost,
        "requests": upload.requests,
        "interruptions": upload.interruptions,
        "failure": upload.failure or None,
        "has_bytes": upload.has_bytes,
    }

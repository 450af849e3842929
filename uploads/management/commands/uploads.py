"""`manage.py uploads`: shows uploads and steers them, as the admin does."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timesince import timesince

from uploads.errors import NotFound
from uploads.http.protocol import shown_metadata
from uploads.management.consent import agree
from uploads.management.output import write_json
from uploads.management.steering import (
    SteeringCommand,
    actions_of,
    add_list_options,
    among,
    key_in,
)
from uploads.models import State, Upload
from uploads.services import expiration, termination
from uploads.services.maintenance.holdings import holdings
from uploads.services.maintenance.inventory import verify_all
from uploads.services.maintenance.verification import Verification, verify

HEAD = ("id", "name", "state", "received", "last activity", "owner", "failure")
SHORT = 40
"""Characters of a name or a failure in the list."""
ENDED = "It has ended already, or is finished."
EXAMPLES = """\
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


class Command(SteeringCommand[Upload]):
    """See its help."""

    help = "Show uploads, extend, expire or terminate them, or verify their bytes."
    noun = "upload"
    head = HEAD
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        action = actions_of(parser)
        listed = action("list", "List uploads, the newest first.")
        add_list_options(listed, (*State.values, "all"), State.RECEIVING.value)
        listed.add_argument(
            "--quiet", type=float, metavar="MINUTES", help="without any activity for so long"
        )
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

    def find(self, key: uuid.UUID) -> Upload | None:
        return Upload.objects.select_related("owner").filter(pk=key).first()

    def name_of(self, row: Upload) -> str:
        return row.id.hex

    def columns(self, row: Upload) -> Sequence[str]:
        total = "?" if row.length is None else filesizeformat(row.length)
        return (
            row.id.hex,
            row.file_name[:SHORT],
            "bytes lost" if row.lost else row.get_state_display(),
            f"{filesizeformat(row.offset)} of {total}",
            f"{timesince(row.last_activity, depth=1)} ago",
            str(row.owner or ""),
            row.failure[:SHORT],
        )

    def facts(self, row: Upload) -> dict[str, Any]:
        return {
            "id": row.id.hex,
            "name": row.file_name,
            "state": row.state,
            "offset": row.offset,
            "length": row.length,
            "owner": str(row.owner) if row.owner else None,
            "metadata": dict(shown_metadata(row.metadata)),
            "concat": row.concat or None,
            "client_address": row.client_address,
            "client_agent": row.client_agent,
            "created": row.created,
            "last_activity": row.last_activity,
            "finished": row.finished,
            "expires": row.expires,
            "lost": row.lost,
            "requests": row.requests,
            "interruptions": row.interruptions,
            "failure": row.failure or None,
            "has_bytes": row.has_bytes,
        }

    def wanted(self) -> "QuerySet[Upload]":
        options = self.options
        found = Upload.objects.select_related("owner").order_by("-created")
        if options["state"] != "all":
            found = found.filter(state=options["state"])
        if options["quiet"] is not None:
            try:
                since = timezone.now() - timedelta(minutes=options["quiet"])
            except (OverflowError, ValueError) as problem:
                raise CommandError("--quiet must be a number of minutes.") from problem
            found = found.filter(last_activity__lt=since)
        return among(found, options)

    def do_verify(self) -> None:
        """Without ids, all that must have bytes."""
        verified = self.verified() if self.options["ids"] else verify_all()
        told, count = [], 0
        try:
            for key, found in verified:
                count += 1
                self.missed += not found.is_good
                told.append({"id": key.hex, "good": found.is_good, "found": str(found)})
                if not self.options["json"] and (not found.is_good or self.options["ids"]):
                    said = "good" if found.is_good else "BAD"
                    self.stdout.write(f"{key.hex}  {said}: {found}")
        except OSError as problem:
            raise CommandError(f"The store can't be read: {problem}") from problem
        if self.options["json"]:
            write_json(self.stdout, told)
        elif not self.options["ids"]:
            self.stdout.write(f"{count} verified, {self.missed} with lost bytes.")

    def verified(self) -> Iterator[tuple[uuid.UUID, Verification]]:
        """The uploads whose ids were given."""
        for upload in self.chosen():
            yield upload.id, verify(upload)

    def do_extend(self) -> None:
        self.each("extended", lambda upload: "" if expiration.extend(upload) else ENDED)

    def do_expire(self) -> None:
        def one(upload: Upload) -> str:
            freed = termination.expire(upload, reason="Expired by a command.")
            return ENDED if freed is None else ""

        self.ask("Expire", State.RECEIVING)
        self.each("expired", one)

    def do_terminate(self) -> None:
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

"""`manage.py jobs`: shows jobs and steers them, as the admin does."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet
from django.utils.timesince import timesince

from transcription.models import ACTIVE, Job, State
from transcription.services.jobs import rerun, transitions
from transcription.services.options.priority import WORDS, priority_named
from transcription.services.scheduling import turns
from transcription.services.scheduling.estimates import expectation_of
from uploads.management.steering import (
    SteeringCommand,
    actions_of,
    add_list_options,
    among,
)

SHORT = 40
"""Characters of a name or a failure in the list."""
EXAMPLES = """\
A job is named by its id, the API's task identifier, or by the address of its page.

examples:
  manage.py jobs list                             what waits and what is at work
  manage.py jobs list --state failed --owner ann
  manage.py jobs list --state all --limit 9999 --json
  manage.py jobs show 0b4f6a5e-3c07-4a53-8a7c-6f1f0a8f1f6e
  manage.py jobs retry ID ID                      ended ones are queued again
  manage.py jobs priority high ID

exit status: 0 all of it was done, 1 some of it was not (stderr says why), 2 wrong arguments
"""


class Command(SteeringCommand[Job]):
    """See its help."""

    help = "Show jobs, cancel them, run them again, or change their priority."
    noun = "job"
    head = ("id", "name", "state", "progress", "priority", "made", "owner", "failure")
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        action = actions_of(parser)
        listed = action("list", "List jobs, the newest first.")
        add_list_options(listed, ("active", *State.values, "all"), "active")
        action("show", "Show all that is known of a job, with its history.", "+")
        action("cancel", "Cancel jobs that wait or work; what was transcribed is kept.", "+")
        retry = action("retry", "Queue ended jobs again; only missing stages are done.")
        retry.add_argument("--everything", action="store_true", help="do all stages again")
        retry.add_argument("ids", nargs="+", metavar="ID")
        priority = action("priority", "Change the priority of jobs that wait or work.")
        priority.add_argument("priority", choices=WORDS)
        priority.add_argument("ids", nargs="+", metavar="ID")

    def find(self, key: uuid.UUID) -> Job | None:
        return Job.objects.select_related("owner", "upload").filter(pk=key).first()

    def wanted(self) -> "QuerySet[Job]":
        found = Job.objects.select_related("owner", "upload").order_by("-created")
        state = self.options["state"]
        if state != "all":
            found = found.filter(state__in=ACTIVE if state == "active" else (state,))
        return among(found, self.options)

    def columns(self, row: Job) -> Sequence[str]:
        working = row.state == State.PROCESSING
        return (
            str(row.pk),
            row.file_name[:SHORT],
            row.get_state_display(),
            f"{row.get_stage_display()} {row.percent:.0f} %" if working else "",
            row.get_priority_display(),
            f"{timesince(row.created, depth=1)} ago",
            str(row.owner or ""),
            row.error[:SHORT],
        )

    def facts(self, row: Job) -> dict[str, Any]:
        expected = expectation_of(row)
        return {
            "id": str(row.pk),
            "name": row.file_name,
            "state": row.state,
            "stage": row.stage if row.is_active else None,
            "percent": round(row.percent, 1),
            "priority": row.get_priority_display(),
            "owner": str(row.owner) if row.owner else None,
            "task_type": row.task_type,
            "position": expected.position,
            "starts_in": expected.starts_in,
            "remaining": expected.remaining,
            "engine": row.engine_used or row.engine,
            "model": row.model_used or row.model,
            "language": row.language_used or row.language,
            "options": row.options,
            "audio_duration": row.audio_duration,
            "created": row.created,
            "started": row.started,
            "finished": row.finished,
            "error": row.error or None,
            "warnings": row.warnings,
            "note": row.engine_note or None,
            "engine_deaths": row.engine_deaths,
            "worker": f"{row.worker_host}, process {row.worker_pid}" if row.worker_pid else None,
            "upload": row.upload_id.hex if row.upload_id else None,
            "history": [f"{event.at:%Y-%m-%d %H:%M:%S} {event.what}" for event in row.events.all()],
        }

    def do_cancel(self) -> None:
        self.each("cancelled", lambda job: "" if transitions.cancel(job) else "It has ended.")

    def do_retry(self) -> None:
        def again(job: Job) -> str:
            try:
                rerun.run_again(job, {}, self.options["everything"])
            except rerun.CannotRun as reason:
                return str(reason)
            return ""

        self.each("queued again", again)

    def do_priority(self) -> None:
        wanted = priority_named(self.options["priority"])

        def change(job: Job) -> str:
            if job.is_active and job.priority == wanted:
                return ""
            return "" if turns.prioritize(job, wanted) else "It has ended."

        self.each(f"{wanted.label} priority", change)

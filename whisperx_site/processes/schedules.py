"""The schedules of the site: as its apps declare them, and as the database has them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_q.models import Schedule

from transcription.services.jobs import queue as jobs
from uploads.queues import django_q as uploads

FIELDS = ("func", "schedule_type", "minutes", "repeats", "cron", "cluster")
FIELDS += ("args", "kwargs", "hook", "intended_date_kwarg")


@dataclass(frozen=True)
class Comparison:
    """One schedule.

    Attributes:
        declared: As a new site has it.
        row: As it is; None: it is missing.
    """

    declared: Schedule
    row: Schedule | None

    @property
    def name(self) -> str:
        return str(self.declared.name)

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """What is not as declared, by field; next runs don't matter."""
        now, then = values_of(self.row), values_of(self.declared)
        if not now:
            return {}
        return {
            field: {"now": now[field], "declared": then[field]}
            for field in FIELDS
            if now[field] != then[field]
        }


def values_of(schedule: Schedule | None) -> dict[str, Any]:
    """What decides what is run, and how often; an empty text is no value."""
    found = {field: getattr(schedule, field, None) for field in FIELDS if schedule}
    return {field: None if value == "" else value for field, value in found.items()}


def compare() -> list[Comparison]:
    """All schedules that the apps declare. Of several by one name, the first is the site's."""
    return [
        Comparison(one, Schedule.objects.filter(name=one.name).order_by("pk").first())
        for one in (*uploads.declared_schedules(), *jobs.declared_schedules())
    ]


def create_missing() -> None:
    """Creates those that somebody deleted, as each migration does."""
    uploads.DjangoQ().declare_schedule()
    jobs.declare_schedules()


def reset(changed: Comparison) -> None:
    """Makes a schedule what was declared, with its next run right now.

    A run in the past would make the queue count all those that were missed.
    """
    if changed.row is not None:
        soon = timezone.now() + timedelta(seconds=1)
        again = {field: getattr(changed.declared, field) for field in FIELDS}
        Schedule.objects.filter(pk=changed.row.pk).update(**again, next_run=soon)

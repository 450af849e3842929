"""What the admin's front page shows, section by section, for users who may see the lists behind."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import connection
from django.db.models import Count, Min
from django.template.defaultfilters import filesizeformat, truncatechars
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_q.models import Schedule, Task

from transcription.conf import conf as transcription_conf
from transcription.models import Job, State
from uploads.models import Upload
from uploads.services.activity import in_flight
from uploads.services.maintenance.holdings import holdings
from whisperx_site.overview import addresses
from whisperx_site.overview.chart import bars, by_hour
from whisperx_site.overview.problems import SERVICES
from whisperx_site.overview.words import counted, duration
from whisperx_site.processes import site_processes

User = AbstractUser | AnonymousUser
DAY = timedelta(days=1)
FEW = 8
"""Rows of a table here; the list behind it has all."""
REASON_LENGTH = 120
HELD_FOR = 60.0
"""Seconds for which the sum of all uploads' bytes is shown again."""
NOTHING = "–"
DONE = {"state__in": ",".join((State.COMPLETED, State.WARNINGS))}


@dataclass(frozen=True)
class Figure:
    """A number with what it means, and the list behind it."""

    value: str
    label: str
    address: str = ""


@dataclass(frozen=True)
class Table:
    """Rows with a heading; a cell may be HTML."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | SafeString]]


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        name: For its address on the page.
        title: Its heading.
        figures: Its numbers.
        charts: What the last day brought.
        tables: What needs more words; tables without rows are not shown.
    """

    name: str
    title: str
    figures: Sequence[Figure] = ()
    charts: Sequence[tuple[str, SafeString]] = ()
    tables: Sequence[Table] = field(default_factory=list)


def sections(user: User) -> list[Section]:
    """Those whose rows this user may see.

    Raises:
        DatabaseError: The database doesn't answer.
    """
    now = timezone.now()
    known: tuple[tuple[str, Callable[[datetime], Section]], ...] = (
        ("uploads.view_upload", uploads),
        ("transcription.view_job", jobs),
        ("uploads.view_upload", disk),
        ("transcription.view_job", workers),
        ("django_q.view_schedule", schedules),
    )
    return [make(now) for permission, make in known if user.has_perm(permission)]


def uploads(now: datetime) -> Section:
    """What is in flight, and what of it to look at first."""
    found = in_flight.summary(now)
    return Section(
        "uploads",
        "Uploads in flight",
        (
            Figure(f"{found.count:,}", "unfinished", addresses.uploads("receiving")),
            Figure(f"{found.arriving:,}", "receiving now", addresses.uploads(activity="arriving")),
            Figure(f"{found.stalled:,}", "stalled", addresses.uploads(activity="stalled")),
            Figure(filesizeformat(found.held), "received"),
            Figure(filesizeformat(found.missing), "to come"),
        ),
        (("Created", bars(by_hour(Upload.objects.all(), "created", now), "uploads")),),
        [
            Table(
                "Quiet for the longest time",
                ("upload", "owner", "received", "rate", "left", "last activity"),
                [_upload(row, now) for row in in_flight.longest_quiet(FEW)],
            )
        ],
    )


def _upload(row: Upload, now: datetime) -> Sequence[str | SafeString]:
    rate, left = in_flight.mean_rate(row), in_flight.time_left(row)
    total = "?" if row.length is None else filesizeformat(row.length)
    return (
        _link("uploads_upload", row.pk, str(row)),
        str(row.owner or NOTHING),
        f"{filesizeformat(row.offset)} of {total}",
        f"{filesizeformat(rate)}/s" if rate else NOTHING,
        duration(left) if left else NOTHING,
        f"{duration(now - row.last_activity)} ago",
    )


def jobs(now: datetime) -> Section:
    """What waits and works, and what the last day brought."""
    active = dict(
        Job.objects.filter(state__in=(State.QUEUED, State.PROCESSING))
        .order_by()
        .values("state")
        .annotate(count=Count("*"))
        .values_list("state", "count")
    )
    oldest = Job.objects.filter(state=State.QUEUED).aggregate(Min("queued"))["queued__min"]
    done = by_hour(Job.objects.filter(state=State.COMPLETED), "finished", now)
    warned = by_hour(Job.objects.filter(state=State.WARNINGS), "finished", now)
    failed = by_hour(Job.objects.filter(state=State.FAILED), "finished", now)
    since = {"finished__gte": (now - DAY).isoformat(timespec="seconds")}
    well = [one + other for one, other in zip(done, warned, strict=True)]
    return Section(
        "jobs",
        "Jobs",
        (
            Figure(f"{active.get(State.QUEUED, 0):,}", "waiting", addresses.jobs("queued")),
            Figure(duration(now - oldest) if oldest else NOTHING, "waiting longest"),
            Figure(f"{active.get(State.PROCESSING, 0):,}", "at work", addresses.jobs("processing")),
            Figure(f"{sum(well):,}", "done in a day", addresses.jobs(**DONE, **since)),
            Figure(f"{sum(failed):,}", "failed in a day", addresses.jobs("failed", **since)),
        ),
        (("Done", bars(well, "jobs done")), ("Failed", bars(failed, "jobs failed"))),
        [Table("Why jobs failed in the last day", ("reason", "jobs"), [*_reasons(now)])],
    )


def _reasons(now: datetime) -> Iterable[Sequence[str | SafeString]]:
    found = (
        Job.objects.filter(state=State.FAILED, finished__gt=now - DAY)
        .order_by()
        .values("error")
        .annotate(count=Count("*"))
        .values_list("error", "count")
        .order_by("-count", "error")[:FEW]
    )
    for reason, count in found:
        address = addresses.jobs("failed", error=reason) if len(reason) < REASON_LENGTH else ""
        said = truncatechars(reason, REASON_LENGTH)
        yield (format_html('<a href="{}">{}</a>', address, said) if address else said, f"{count:,}")


def disk(now: datetime) -> Section:
    """What the data take, and what is free."""
    used = shutil.disk_usage(settings.DATA_DIR)
    kinds = [
        ("uploads", held_by_uploads()),
        ("models", _size(Path(transcription_conf.MODELS_DIR))),
        ("work files", _size(Path(transcription_conf.WORK_DIR))),
    ]
    if connection.vendor == "sqlite":
        kinds.append(("database", _size(Path(connection.settings_dict["NAME"]))))
    return Section(
        "disk",
        "Disk",
        (
            Figure(filesizeformat(used.free), "free"),
            Figure(filesizeformat(used.total), "in total"),
            *(Figure(filesizeformat(size), name) for name, size in kinds),
        ),
    )


_held = (-math.inf, 0)


def held_by_uploads() -> int:
    """Bytes in the store; added up anew after a minute at the earliest, as rows may be many."""
    global _held
    if time.monotonic() - _held[0] > HELD_FOR:
        _held = (time.monotonic(), holdings(Upload.objects.filter(has_bytes=True)).size)
    return _held[1]


def _size(place: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    total = 0
    for path in [place, *place.rglob("*")]:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # it has just been removed
            continue
    return total


def workers(now: datetime) -> Section:
    """The processes on this machine, and the jobs at work on any."""
    found = site_processes.of_site()
    working = Job.objects.filter(state=State.PROCESSING).order_by("started")[:FEW]
    return Section(
        "workers",
        "Workers",
        tables=[
            Table(
                "On this machine",
                ("service", "processes", "memory", "state"),
                [_service(name, label, found) for name, label in SERVICES.items() if found],
            ),
            Table(
                "Jobs at work",
                ("job", "stage", "done", "begun", "worker"),
                [_working(job, now) for job in working],
            ),
        ],
    )


def _service(
    name: str, label: str, found: Iterable[site_processes.SiteProcess]
) -> Sequence[str | SafeString]:
    all_of_it = [process for process in found if process.service == name]
    ours = [process for process in all_of_it if not process.is_guard]
    halted = any(process.is_halted for process in ours)
    begins = "starts" if all_of_it else "isn't running"
    state = "halted" if halted else "runs" if ours else begins
    memory = filesizeformat(sum(process.memory for process in ours))
    return (label, counted(len(ours), "process", "processes"), memory, state)


def _working(job: Job, now: datetime) -> Sequence[str | SafeString]:
    return (
        _link("transcription_job", job.pk, str(job)),
        job.get_stage_display(),
        f"{job.percent:.0f} %",
        f"{duration(now - job.started)} ago" if job.started else NOTHING,
        f"{job.worker_host}, process {job.worker_pid}",
    )


def schedules(now: datetime) -> Section:
    """When each ran last, with what outcome, and when it runs next."""
    rows = [*Schedule.objects.order_by("name")[:FEW]]
    runs = {run.id: run for run in Task.objects.filter(id__in=[row.task for row in rows])}
    return Section(
        "schedules",
        "Schedules",
        tables=[
            Table(
                "",
                ("schedule", "last run", "next run"),
                [_schedule(row, runs.get(row.task), now) for row in rows],
            )
        ],
    )


def _schedule(row: Schedule, run: Task | None, now: datetime) -> Sequence[str | SafeString]:
    last = NOTHING
    if run is not None:
        outcome = "succeeded" if run.success else "failed"
        last = f"{outcome} {duration(now - run.stopped)} ago"
    next_run = "paused" if row.repeats == 0 else _when(row.next_run, now)
    return (_link("django_q_schedule", row.pk, row.name), last, next_run)


def _when(moment: datetime, now: datetime) -> str:
    return f"{duration(now - moment)} late" if moment < now else f"in {duration(moment - now)}"


def _link(model: str, key: Any, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', addresses.change(model, key), text)

"""Faults of the running site, each found by a cheap look, so that a page may ask every few seconds.

The admin's front page shows them, `manage.py doctor` prints them among its other checks, and the
log has them when they begin and end: in the same words.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from django_q.models import Schedule

from transcription.models import Delivery, Job
from transcription.services.jobs import leases
from transcription.services.outlook import outlook
from uploads.conf import conf
from uploads.models import Heartbeat, Upload
from uploads.services.activity.in_flight import STALLED_AFTER, stalled
from uploads.services.maintenance.store_identity import store_problem
from whisperx_site.configuration.database_state import store_remedy
from whisperx_site.overview import addresses
from whisperx_site.overview.findings import Finding
from whisperx_site.overview.words import counted, duration
from whisperx_site.processes import site_processes
from whisperx_site.processes.housekeeping import stall_reason

LATE = timedelta(minutes=5)
"""How late a schedule may be before it counts as stuck."""
AHEAD = timedelta(minutes=1)
"""Clocks are often set back by a little."""
RECENT = timedelta(days=1)
SERVICES = {
    "web": "The web server",
    "light": "The housekeeping worker",
    "heavy": "The job worker",
}


def problems() -> Iterator[Finding]:
    """What is wrong now; nothing if all is well.

    Raises:
        DatabaseError: The database doesn't answer.
    """
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        store,
        free_space,
        services,
        queues,
        schedules,
        clock,
        models,
        stalled_uploads,
        webhooks,
    )
    for look in looks:
        yield from look()


def store() -> Iterator[Finding]:
    """Whether the files belong to the database, and can be written."""
    problem = store_problem(join=False)
    if problem is not None:
        yield Finding("upload store", problem.reason, store_remedy(problem))


def free_space() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < conf.UPLOADS_MIN_FREE_SPACE:
        yield Finding(
            "disk",
            room(free),
            "Uploads are refused (507): free some space, or lower UPLOADS_MIN_FREE_SPACE.",
        )


def room(free: int) -> str:
    """Free bytes in words."""
    return f"{free / 1024**3:.1f} GiB free"


def services() -> Iterator[Finding]:
    """Whether each service of a running site has processes, and none of them is stopped."""
    found = site_processes.of_site()
    if not found:
        return
    for name, label in SERVICES.items():
        ours = [process for process in found if process.service == name]
        halted = [process.pid for process in ours if process.is_halted]
        if not ours:
            yield Finding(
                "workers",
                f"{label} isn't running",
                "The site starts it again by itself; its log says why it ended.",
            )
        elif halted:
            numbers = " ".join(map(str, halted))
            yield Finding(
                "workers",
                f"{label} is halted by a signal (SIGSTOP)",
                f"Let it go on: kill -CONT {numbers}",
            )


def queues() -> Iterator[Finding]:
    """Whether the workers take what waits."""
    reason = leases.stall_reason() or stall_reason()
    if reason:
        remedy = "The site restarts its workers by itself; its log says more."
        yield Finding("workers", reason, remedy, addresses.jobs("queued"))


def schedules() -> Iterator[Finding]:
    """What should have run by now."""
    now = timezone.now()
    late = Schedule.objects.filter(next_run__lt=now - LATE).exclude(repeats=0)
    for schedule in late.order_by("next_run"):
        yield Finding(
            "schedules",
            f"{schedule.name} is {duration(now - schedule.next_run)} late",
            "The housekeeping worker runs it: see whether it is alive, and its log.",
            addresses.SCHEDULES(),
        )


def clock() -> Iterator[Finding]:
    """Whether rows or the database server have times that this machine's clock has not reached."""
    now = timezone.now()
    ahead = max(_newest(), default=now) - now
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            ahead = max(ahead, abs(cursor.fetchone()[0] - now))
    if ahead > AHEAD:
        yield Finding(
            "clock",
            f"this machine's clock and the database's times differ by {duration(ahead)}",
            "Set the clock, by NTP for example: times decide when uploads expire.",
        )


def _newest() -> list[datetime]:
    """The latest times in rows that are written all the time."""
    columns: tuple[tuple[type[Model], str], ...] = (
        (Heartbeat, "at"),
        (Upload, "created"),
        (Job, "created"),
    )
    found: list[datetime] = []
    for model, column in columns:
        newest = model._default_manager.order_by(f"-{column}").values_list(column, flat=True)
        found += newest[:1]
    return found


def models() -> Iterator[Finding]:
    """Whether recordings become transcripts, by the last check of the models."""
    found = outlook()
    if found is not None and found.is_bad:
        yield Finding("results", str(found), found.remedy)


def stalled_uploads() -> Iterator[Finding]:
    now = timezone.now()
    still = stalled(now)
    longest = still.order_by("last_activity").values_list("last_activity", flat=True).first()
    if longest is None:
        return
    yield Finding(
        "uploads",
        f"{counted(still.count(), 'upload has', 'uploads have')} received nothing for "
        f"{duration(STALLED_AFTER)} or longer; the longest for {duration(now - longest)}",
        "Their clients can still resume them. Extend them, or expire them to free their space.",
        addresses.uploads(activity="stalled"),
    )


def webhooks() -> Iterator[Finding]:
    """Receivers that refuse; each is tried for a while, then given up."""
    since = timezone.now() - RECENT
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).exclude(last_error="")
    given_up = Delivery.objects.filter(state=Delivery.State.GIVEN_UP, created__gt=since)
    failing = waiting | given_up
    last = failing.order_by("-created").first()
    if last is None:
        return
    yield Finding(
        "webhooks",
        f"{counted(failing.count(), 'webhook fails', 'webhooks fail')}: {last.last_error}",
        "See the receiver's own log; in the admin a webhook can be sent again.",
        addresses.WEBHOOKS(),
    )

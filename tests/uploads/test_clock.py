"""A site that was off, and a clock that was wrong: nobody loses an upload by it, and nothing waits
until the wrong moment comes.

Time is shifted by what the site has written down: an hour ago it was last alive, a run is due in a
hundred days.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.running import Site, wait_for
from tests.uploads.conftest import created, head, patch
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.wire import TUS, ask, identifier

pytestmark = pytest.mark.proof

Statement = tuple[Any, ...]  # SQL, and its values
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ALMOST = timedelta(minutes=5)  # by which tests may be late


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clock]:
    site = Site(
        tmp_path_factory.mktemp("clock") / "data", UPLOADS_ACCEPT="any", WORKER_STALL_TIMEOUT="150"
    )
    site.start()
    yield Clock(site)
    site.kill_everything()


def now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """One site, and what its database says of time."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def sql(self, *statements: Statement) -> list[Any]:
        """Run statements in one transaction; the rows of the last one."""
        file = self.site.data_dir / "db.sqlite3"
        with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            for statement, *values in statements:
                plain = [self.text(v) if isinstance(v, datetime) else v for v in values]
                found = database.execute(statement, plain).fetchall()
            database.execute("COMMIT")
        return found

    @staticmethod
    def text(moment: datetime) -> str:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

    def alive(self, moment: datetime) -> Statement:
        """The site was last seen alive then."""
        return "UPDATE uploads_heartbeat SET at = ?", moment

    def upload(self, path: str, **changes: datetime) -> Statement:
        """Change moments of an upload."""
        columns = ", ".join(f"{name} = ?" for name in changes)
        query = f"UPDATE uploads_upload SET {columns} WHERE id = ?"
        return (query, *changes.values(), identifier(path))

    def moment(self, path: str, column: str) -> datetime:
        query = f"SELECT {column} FROM uploads_upload WHERE id = ?"
        [[text]] = self.sql((query, identifier(path)))
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    def schedules(self) -> dict[str, datetime]:
        found = self.sql(("SELECT name, next_run FROM django_q_schedule",))
        return {name: datetime.fromisoformat(text).replace(tzinfo=UTC) for name, text in found}

    def growing(self) -> str:
        path = created(self.site, 10)
        assert patch(self.site, path, 0, b"hello").status == 204
        return path

    def has_grace(self, path: str) -> bool:
        """HEAD, PATCH and the header agree that it lives for almost an hour at least."""
        expires = parsedate_to_datetime(head(self.site, path).headers["Upload-Expires"])
        enough = expires > now() + HOUR - ALMOST
        answer = patch(self.site, path, 5)
        return enough and answer.status == 204


def test_a_site_that_was_off_gives_an_hour(clock: Clock) -> None:
    """To what had not expired when it stopped, and to nothing else; its cleanup agrees."""
    lives, died = clock.growing(), clock.growing()
    paused = "paused"
    clock.site.stop()
    far = now() + 100 * DAY
    copy = "INSERT INTO django_q_schedule (name, func, schedule_type, minutes, repeats, next_run)"
    clock.sql(
        clock.alive(now() - 10 * HOUR),
        clock.upload(lives, expires=now() - 9 * HOUR),
        clock.upload(died, expires=now() - 11 * HOUR),
        ("UPDATE django_q_schedule SET next_run = ?", far),
        (f"{copy} VALUES (?, 'uploads.tasks.cleanup', 'I', 10, 0, ?)", paused, far),
    )
    said = clock.site.manage("cleanup_uploads", "--dry-run").stdout.replace("-", "")
    assert identifier(died) in said and identifier(lives) not in said
    clock.site.start()
    assert clock.has_grace(lives)
    assert head(clock.site, died).status == 410
    wait_for(lambda: not bytes_on_disk(clock.site, died), 60)
    assert bytes_on_disk(clock.site, lives)
    schedules = clock.schedules()
    assert abs(schedules.pop(paused) - far) < ALMOST
    assert len(schedules) == 3
    assert all(next_run < now() + timedelta(minutes=11) for next_run in schedules.values())


def test_a_restart_does_not_prolong_what_had_expired(clock: Clock) -> None:
    """However often it is started."""
    path = clock.growing()
    clock.sql(clock.upload(path, expires=now() - timedelta(minutes=10)))
    clock.site.kill_everything()
    clock.site.start()
    assert head(clock.site, path).status == 410


def test_a_clock_that_jumps_ahead_expires_nothing(clock: Clock) -> None:
    """HEAD knows at once, as the cleanup does."""
    asked, left = clock.growing(), clock.growing()
    clock.sql(
        clock.upload(asked, expires=now() - HOUR),
        clock.upload(left, expires=now() - HOUR),
        clock.alive(now() - 2 * HOUR),
    )
    assert clock.has_grace(asked)
    clock.sql(clock.upload(asked, expires=now() - HOUR), clock.alive(now() - 2 * HOUR))
    clock.site.manage("cleanup_uploads")
    for path in (asked, left):
        assert bytes_on_disk(clock.site, path)
        assert clock.has_grace(path)


@pytest.mark.parametrize("noted", [True, False])
def test_moments_of_a_clock_that_was_ahead_are_brought_back(clock: Clock, noted: bool) -> None:
    """An upload of then does not live for months, nor rest until then."""
    path = clock.growing()
    ahead = now() + 200 * DAY
    dated = clock.upload(path, last_activity=ahead, expires=ahead + DAY)
    clock.sql(dated, clock.alive(ahead if noted else now()))
    clock.site.manage("cleanup_uploads")
    assert clock.moment(path, "last_activity") < now() + ALMOST
    assert clock.moment(path, "expires") < now() + DAY + ALMOST
    assert clock.has_grace(path)


BEHIND = """
import json
from datetime import timedelta
from unittest import mock
from django.utils import timezone
from uploads.services.maintenance import heartbeat
now = timezone.now()
with mock.patch("django.utils.timezone.now", lambda: now - timedelta(days=days)):
    heartbeat.beat(starting=True)
heartbeat.beat()
print(json.dumps(None))
"""


@pytest.mark.parametrize("days", [20_000, 3])
def test_a_clock_that_is_behind_at_a_start_costs_no_upload_its_time(
    clock: Clock, days: int
) -> None:
    """A board before it has asked for the time: nothing is dated anew, and nothing ends early."""
    growing, ended, finished = clock.growing(), clock.growing(), created(clock.site, 5)
    assert patch(clock.site, finished, 0, b"hello").status == 204
    assert ask(clock.site, "DELETE", ended, TUS).status == 204
    columns = ("created", "last_activity", "finished")
    before = [clock.moment(finished, column) for column in columns]
    gone, made = clock.moment(ended, "last_activity"), clock.moment(growing, "created")
    clock.site.stop()
    clock.site.shell(f"days = {days}{BEHIND}")
    clock.site.start()
    assert [clock.moment(finished, column) for column in columns] == before
    assert clock.moment(ended, "last_activity") == gone
    assert clock.moment(growing, "created") == made
    assert clock.moment(growing, "expires") > now() + DAY - ALMOST


FIRST = """
import json
from unittest import mock
from uploads.models import CleanupRun, Heartbeat
from uploads.services.maintenance import heartbeat
CleanupRun.objects.create(trigger="start")
Heartbeat.objects.all().delete()
with mock.patch.object(heartbeat, "give_grace", side_effect=KeyboardInterrupt):
    try:
        heartbeat.beat(starting=True)
    except KeyboardInterrupt:
        print(json.dumps(Heartbeat.objects.exists()))
"""


def test_a_first_note_is_not_left_without_its_grace(clock: Clock) -> None:
    """A start of a site that had none before, killed midway, is made again from the beginning."""
    assert json.loads(clock.site.shell(FIRST)) is False


def test_schedules_of_a_clock_that_was_ahead_run_again(clock: Clock) -> None:
    """Seen by the supervisor, as the scheduler itself would wait; a clock behind sweeps."""
    far = now() + 100 * DAY
    clock.sql(("UPDATE django_q_schedule SET next_run = ? WHERE repeats <> 0", far))

    def right() -> bool:
        moments = [when for name, when in clock.schedules().items() if name != "paused"]
        assert moments
        return all(when < now() + timedelta(minutes=11) for when in moments)

    wait_for(right, 120, 1)


FUTURE = """
import json, uuid
from datetime import timedelta
from django.utils import timezone
from django_q.models import OrmQ
from transcription import tasks
from transcription.models import Delivery, Job, Turn
from transcription.services.jobs import leases
from whisperx_site.processes.housekeeping import free_entries_of_the_future
far = timezone.now() + timedelta(days=100)
soon = timezone.now() + timedelta(hours=1)
told = {}
job = Job.objects.create(
    state="processing", worker_host="elsewhere", worker_pid=1, token=uuid.uuid4(),
    lease_expires=far, queued=far, started=far)
done = Job.objects.create(state="completed", started=far, finished=far)
message = Delivery.objects.create(job=done, url="http://127.0.0.1:9/", next_attempt=far)
entry = OrmQ.objects.create(key="nobody", payload="", lock=far)
Turn.objects.create(key="user 0", served=far)
waits = Job.objects.create(state="queued", queued=far)
try:
    tasks.sweep()
    free_entries_of_the_future()
    job.refresh_from_db()
    told["lease"] = job.lease_expires < soon
    told["message"] = Delivery.objects.get(pk=message.pk).next_attempt < soon
    told["queued"] = Job.objects.get(pk=waits.pk).queued < soon
    told["turn"] = Turn.objects.filter(key="user 0").first() is None
    told["entry"] = OrmQ.objects.get(pk=entry.pk).lock < soon
    Job.objects.filter(pk=job.pk).update(state="queued", queued=far)
    others = Job.objects.filter(state="processing").exists()
    told["stuck"] = others or leases.stall_reason() != ""
finally:
    entry.delete()
    Job.objects.filter(pk__in=[job.pk, done.pk, waits.pk]).delete()
print(json.dumps(told))
"""


def test_nothing_else_waits_for_a_moment_of_a_wrong_clock(clock: Clock) -> None:
    """Jobs that wait or are at work, turns, messages to callbacks, entries of the queue."""
    told = json.loads(clock.site.shell(FUTURE))
    kinds = ("lease", "message", "queued", "turn", "entry", "stuck")
    assert told == dict.fromkeys(kinds, True)

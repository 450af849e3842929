"""A site behind PgBouncer in transaction mode, where nothing outlives its transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.contract.test_health import ready
from tests.pooler import pgbouncer, standard
from tests.running import Site, text_of, wait_for
from tests.site.people import signed_in
from tests.speech import recordings

pytestmark = pytest.mark.proof

MAKE_OVERDUE = """
from datetime import timedelta
from django.utils import timezone
from uploads.models import Upload
past = timezone.now() - timedelta(days=1)
Upload.objects.bulk_create(Upload(expires=past, last_activity=past) for _ in range({count}))
"""
PAGES = (
    *("uploads/upload/", "uploads/cleanuprun/", "transcription/job/", "accounts/apikey/add/"),
    *("django_q/schedule/", "django_q/schedule/add/", "auth/user/add/"),
)
HURRY = """
from django.utils import timezone
from django_q.models import Schedule
Schedule.objects.filter(name="uploads: cleanup").update(next_run=timezone.now())
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT 1 AS%'
"""
RUNS = """
from uploads.models import CleanupRun
print(CleanupRun.objects.filter(trigger="{trigger}", errors=[]).exclude(ended=None).count())
"""


@pytest.fixture(scope="module")
def site_behind_pgbouncer(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("pgbouncer")
    with pgbouncer(new_database(), folder) as url:
        running = Site(folder / "data", DATABASE_URL=url, WEB_WORKERS="2").start()
        yield running
        running.stop()


def cleanup_runs(site: Site, trigger: str) -> int:
    """How many there were without any error."""
    return int(site.shell(RUNS.format(trigger=trigger)))


def test_a_recording_becomes_a_transcript(site_behind_pgbouncer: Site, tmp_path: Path) -> None:
    site = site_behind_pgbouncer
    identifier = str(uuid.uuid4())
    recording = recordings.write(tmp_path / "go.wav", recordings.speech())
    site.upload(recording, chunk=20_000, taskId=identifier)
    assert "forward" in text_of(site.wait_for_task(identifier))


@pytest.mark.parametrize("count", [20, 2100])
def test_cleanup_goes_through_all_rows(site_behind_pgbouncer: Site, count: int) -> None:
    """Also through more than Django, or we, fetch at once."""
    site = site_behind_pgbouncer
    site.shell(MAKE_OVERDUE.format(count=count))
    done = site.manage("cleanup_uploads", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{count} uploads were expired" in done.stdout
    assert "does not exist" not in done.stderr
    assert cleanup_runs(site, "command")
    assert cleanup_runs(site, "start") == 1


def test_staff_see_their_pages(site_behind_pgbouncer: Site) -> None:
    """Lists, and forms that choose among the rows of a table."""
    staff = signed_in(site_behind_pgbouncer)
    for page in PAGES:
        answer = staff.get(f"{site_behind_pgbouncer.url}/admin/{page}", timeout=30)
        assert answer.status_code == 200, page


def test_monitors_do_not_wait_for_a_database_that_hangs(site_behind_pgbouncer: Site) -> None:
    """Its tables are locked for as long as it takes; many who ask keep no connection each."""
    site = site_behind_pgbouncer
    with psycopg.connect(standard(site.environment["DATABASE_URL"])) as locker:
        locker.execute("LOCK TABLE transcription_job IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(20) as monitors:
            found = list(monitors.map(lambda _: ready(site), range(20)))
        waiting = locker.execute(WAITING).fetchone()
    assert found == [(503, "disconnected", "The database doesn't answer.")] * 20
    assert waiting and 0 < waiting[0] <= int(site.environment["WEB_WORKERS"])
    wait_for(lambda: ready(site)[0] == 200, 30)


def test_schedules_run(site_behind_pgbouncer: Site) -> None:
    site = site_behind_pgbouncer
    site.shell(HURRY)
    wait_for(lambda: cleanup_runs(site, "schedule"), 90, 2)
    assert "Traceback" not in site.log.read_text()

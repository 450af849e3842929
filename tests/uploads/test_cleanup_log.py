"""SQLite's log while a cleanup changes many rows: it must not grow to the size of them all."""

import json
from collections.abc import Callable

import pytest

from tests.running import Site

MIB = 1024**2
FORGET_MANY = """
import json, threading, time
from datetime import timedelta
from pathlib import Path
from django.conf import settings
from django.db import connection
from django.utils import timezone
from uploads.models import CleanupRun, State, Upload
from uploads.services.maintenance.cleanup import clean_up
from uploads.services.maintenance.store_identity import store_problem

assert store_problem() is None  # and both are joined
long_ago = timezone.now() - timedelta(days=60)
facts = {"last_activity": long_ago, "expires": long_ago, "metadata": "filename " + "QUJD" * 60}
rows = [Upload(state=State.EXPIRED, has_bytes=False, **facts) for _ in range(50_000)]
rows += [Upload(state=State.RECEIVING, **facts) for _ in range(1_100)]
Upload.objects.bulk_create(rows, batch_size=500)
with connection.cursor() as cursor:
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
database = Path(settings.DATABASES["default"]["NAME"])
log = database.with_name(database.name + "-wal")
done, most = threading.Event(), [0]
def look():
    while not done.wait(0.01):
        most[0] = max(most[0], log.stat().st_size)
looking = threading.Thread(target=look)
looking.start()
clean_up("command")
done.set()
looking.join()
details = CleanupRun.objects.get().details
print(json.dumps({
    "log": max(most[0], log.stat().st_size), "database": database.stat().st_size,
    "left": Upload.objects.count(), "details": len(details), "last": details[-1],
}))
"""


@pytest.mark.proof
def test_a_cleanup_of_many_rows_keeps_the_log_small(new_site: Callable[..., Site]) -> None:
    """50,000 rows are forgotten and 1,100 uploads expire, in many small transactions."""
    site = new_site()
    site.data_dir.mkdir()
    site.manage("migrate", "-v0")
    found = json.loads(site.shell(FORGET_MANY))
    assert found["left"] == 1_100
    assert found["database"] > 20 * MIB
    assert found["log"] < 12 * MIB, found
    assert (found["details"], found["last"]) == (1001, "and 100 more")

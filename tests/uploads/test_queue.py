"""The cleanup with a queue and without: what staff see and do, and when its schedule is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django_q.models import OrmQ, Schedule

from tests.running import Site
from tests.transcription.building import make_upload, within
from uploads import tasks
from uploads.models import CleanupRun
from uploads.queues.base import queue
from uploads.services.maintenance.store_identity import AWAY

LIST = "/admin/uploads/upload/"
RUNS = "/admin/uploads/cleanuprun/"
WITH_DJANGO_Q = "uploads.queues.django_q.DjangoQ"


@pytest.fixture
def boss(settings: LazySettings, tmp_path: Path, transactional_db: None) -> Client:
    within(settings, tmp_path)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.mark.parametrize("name", ["", WITH_DJANGO_Q])
def test_the_schedule_is_shown_where_there_is_one(
    boss: Client, settings: LazySettings, name: str
) -> None:
    settings.UPLOADS_QUEUE = name
    tasks.declare_schedules()  # other tests may have emptied the tables
    page = boss.get(LIST).content.decode()
    assert ("Cleanup schedule" in page) == bool(name)
    assert RUNS in page
    Schedule.objects.all().delete()  # by staff, who may
    assert "Cleanup schedule" not in boss.get(LIST).content.decode()


def test_without_a_queue_the_button_cleans_up_at_once(boss: Client, settings: LazySettings) -> None:
    settings.UPLOADS_QUEUE = ""
    answer = boss.post(f"{RUNS}run", follow=True)
    assert "The cleanup is done." in answer.content.decode()
    run = CleanupRun.objects.get()
    assert (run.trigger, run.errors) == ("staff", []) and run.ended
    assert not OrmQ.objects.exists()


def test_without_a_queue_a_cleanup_that_fails_says_so(
    boss: Client, settings: LazySettings, tmp_path: Path
) -> None:
    settings.UPLOADS_QUEUE = ""
    make_upload(b"RIFF")
    settings.UPLOADS_DIR = str(tmp_path / "elsewhere")
    answer = boss.post(f"{RUNS}run", follow=True)
    assert "The cleanup is not complete; its record lists the errors." in answer.content.decode()
    assert AWAY.reason in CleanupRun.objects.get().errors[0]


def test_a_queue_is_asked_for_by_name(settings: LazySettings, db: None) -> None:
    settings.UPLOADS_QUEUE = ""
    assert queue() is None and not tasks.enqueue_cleanup("staff")
    settings.UPLOADS_QUEUE = WITH_DJANGO_Q
    assert tasks.enqueue_cleanup("staff", 3)
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"]) == ("uploads.tasks.cleanup", ("staff", 3))


def test_a_schedule_of_before_is_kept_as_staff_left_it(db: None) -> None:
    """It names the function by which the queue has always called the cleanup."""
    tasks.declare_schedules()
    schedule = Schedule.objects.get(func="uploads.tasks.cleanup")
    Schedule.objects.filter(pk=schedule.pk).update(minutes=60)
    tasks.declare_schedules()
    assert Schedule.objects.get(func="uploads.tasks.cleanup").minutes == 60
    assert callable(tasks.cleanup)


@pytest.mark.proof
def test_the_tables_of_uploads_need_none_of_the_queue(tmp_path: Path) -> None:
    """`migrate uploads` makes its own; the schedule comes as soon as the queue's are there."""
    site = Site(tmp_path / "data")
    site.manage("migrate", "uploads", "-v0")
    tables = "from django.db import connection; print(*connection.introspection.table_names())"
    found = site.shell(tables).split()
    assert "uploads_upload" in found and not [name for name in found if "django_q" in name]
    site.manage("migrate", "-v0")
    count = (
        "from django_q.models import Schedule; print(Schedule.objects.filter(func={!r}).count())"
    )
    assert site.shell(count.format("uploads.tasks.cleanup")).strip() == "1"

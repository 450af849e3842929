"""Schedules and tasks in the admin: whatever permission staff have, they run no code by it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success
from django_q.signing import SignedPackage

from tests.site.staff_clients import signed_in, someone
from tests.transcription.building import within
from whisperx_site.admin import FUNCTIONS

pytestmark = pytest.mark.django_db(transaction=True)
SCHEDULES = "/admin/django_q/schedule/"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


NEW = {"name": "mine", "schedule_type": "I", "minutes": "5"}
NEW |= {"next_run_0": "2030-01-01", "next_run_1": "00:00:00"}
EVIL = {"hook": "os.system", "args": "'id'", "kwargs": "x=1", "cluster": "heavy", "repeats": "7"}


@pytest.mark.parametrize("func", ["subprocess.getoutput", "os.system", ""])
def test_who_may_add_a_schedule_may_not_run_code(func: str) -> None:
    """Functions come from a fixed list."""
    staff = signed_in(someone("planner", "add_schedule", "change_schedule", "view_schedule"))
    before = Schedule.objects.count()
    page = staff.post(f"{SCHEDULES}add/", {**NEW, **EVIL, "func": func})
    assert page.status_code == 200 and b"errorlist" in page.content
    assert Schedule.objects.count() == before


def test_a_schedule_has_a_function_and_a_time_and_nothing_else() -> None:
    """No arguments, hooks or queues, neither in a new one nor in one that is changed."""
    staff = signed_in(someone("planner", "add_schedule", "change_schedule", "view_schedule"))
    answer = staff.post(f"{SCHEDULES}add/", {**NEW, **EVIL, "func": "transcription.tasks.sweep"})
    assert answer.status_code == 302
    row = Schedule.objects.get(name="mine")
    assert (row.func, row.minutes, row.repeats) == ("transcription.tasks.sweep", 5, -1)
    assert not any((row.hook, row.args, row.kwargs, row.cluster))
    Schedule.objects.filter(pk=row.pk).update(args="'old'", hook="old", kwargs="a=1")
    change = f"{SCHEDULES}{row.pk}/change/"
    refused = staff.post(change, {**NEW, **EVIL, "func": "subprocess.getoutput"})
    assert refused.status_code == 200
    minutes = {**NEW, "minutes": "0", "func": "uploads.tasks.cleanup"}
    assert staff.post(change, minutes).status_code == 200  # it would run without a pause
    answer = staff.post(change, {**NEW, **EVIL, "minutes": "9", "func": "uploads.tasks.cleanup"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.func, row.minutes) == ("uploads.tasks.cleanup", 9)
    assert not any((row.hook, row.args, row.kwargs, row.cluster))


def test_the_list_has_all_functions_that_the_site_schedules() -> None:
    assert set(Schedule.objects.values_list("func", flat=True)) == set(FUNCTIONS)
    page = signed_in(User.objects.create_superuser("boss")).get(SCHEDULES).content.decode()
    for words in FUNCTIONS.values():
        assert words in page


def test_a_schedule_of_long_ago_runs_from_now_on() -> None:
    """The scheduler would count each minute since then, while nothing else is scheduled."""
    staff = signed_in(someone("planner", "add_schedule", "change_schedule", "view_schedule"))
    before = timezone.now()
    said = {**NEW, "next_run_0": "0001-01-01", "func": "transcription.tasks.sweep"}
    assert staff.post(f"{SCHEDULES}add/", said).status_code == 302
    row = Schedule.objects.get(name="mine")
    assert row.next_run >= before
    assert staff.post(f"{SCHEDULES}{row.pk}/change/", said).status_code == 302
    row.refresh_from_db()
    assert row.next_run >= before
    later = {**said, "next_run_0": "2999-01-01"}
    assert staff.post(f"{SCHEDULES}{row.pk}/change/", later).status_code == 302
    row.refresh_from_db()
    assert row.next_run.year == 2999


def test_schedules_are_paused_and_resumed() -> None:
    staff = signed_in(someone("planner", "change_schedule", "view_schedule"))
    looker = signed_in(someone("looker", "view_schedule"))
    row = Schedule.objects.get(func="uploads.tasks.cleanup")

    def act(client: Client, action: str) -> int:
        client.post(SCHEDULES, {"action": action, "_selected_action": str(row.pk)})
        row.refresh_from_db()
        return int(row.repeats)

    assert act(looker, "pause") == -1
    assert act(staff, "pause") == 0
    before = row.next_run
    assert act(staff, "resume") == -1
    assert row.next_run != before


def test_no_task_is_run_again_from_the_admin() -> None:
    """To look at tasks was enough to run any of them once more."""
    task = Success.objects.create(
        id=uuid.uuid4().hex,
        name="evil",
        func="subprocess.getoutput",
        args=("id",),
        started="2030-01-01T00:00Z",
        stopped="2030-01-01T00:00Z",
        success=True,
    )
    waiting = OrmQ.objects.create(
        key="whisperx",
        payload=SignedPackage.dumps({"id": "x", "name": "n", "func": "f"}),
        lock=None,
    )
    for user in (
        someone("looker", "view_success", "view_ormq"),
        User.objects.create_superuser("x"),
    ):
        client = signed_in(user)
        for address in (f"/admin/django_q/success/{task.pk}/change/", "/admin/django_q/ormq/"):
            assert client.get(address).status_code == 200
        said = {"action": "resubmit_task", "_selected_action": task.pk}
        client.post("/admin/django_q/success/", said)
        change = f"/admin/django_q/ormq/{waiting.pk}/change/"
        assert client.post(change, {"key": "heavy", "lock_0": "", "lock_1": ""}).status_code == 403
    assert [entry.key for entry in OrmQ.objects.all()] == ["whisperx"]

"""`manage.py sync_schedules`: what the site does regularly is planned as it was declared."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from tests import said
from tests.running import Site
from whisperx_site.admin import FUNCTIONS

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = {"uploads: cleanup": 10, "transcription: sweep": 1, "transcription: deliveries": 1}
DECLARED = (*("name", "func", "schedule_type", "minutes", "repeats"), "args", "kwargs", "hook")


class Said(said.Said):
    command = "sync_schedules"

    @property
    def states(self) -> dict[str, str]:
        return {one["name"]: one["state"] for one in self.json}


@pytest.fixture(autouse=True)
def as_new() -> None:
    """Other tests may have changed the schedules."""
    Schedule.objects.all().delete()
    assert Said("--json").states == dict.fromkeys(NAMES, "created")


def rows() -> list[dict[str, Any]]:
    return list(Schedule.objects.order_by("name", "pk").values(*DECLARED))


def test_a_new_site_has_all_of_them() -> None:
    assert {row["name"]: row["minutes"] for row in rows()} == NAMES
    assert {row["func"] for row in rows()} == set(FUNCTIONS)
    before = list(Schedule.objects.values())
    for arguments in ((), ("--reset",), ("--dry-run",)):
        said = Said(*arguments, "--json")
        assert said.status == 0 and said.states == dict.fromkeys(NAMES, "good")
    assert list(Schedule.objects.values()) == before


def test_missing_ones_are_created_and_others_stay() -> None:
    kept = Schedule.objects.get(name="transcription: sweep")
    Schedule.objects.exclude(pk=kept.pk).delete()
    own = Schedule.objects.create(name="mine", func="transcription.tasks.sweep", minutes=7)
    dry = Said("--dry-run")
    assert dry.status == 1 and "2 of 3 schedules are not" in dry.errors
    assert dry.out.count("missing") == 2 and Schedule.objects.count() == 2
    said = Said("--json")
    assert said.status == 0 and sorted(said.states.values()) == ["created", "created", "good"]
    assert Schedule.objects.get(pk=kept.pk).next_run == kept.next_run
    assert Schedule.objects.get(pk=own.pk).minutes == 7
    assert {row["name"] for row in rows()} == {*NAMES, "mine"}


def test_changed_ones_are_shown_and_reset_only_if_that_is_asked() -> None:
    before = rows()
    long_ago = timezone.now() - timedelta(days=400)
    sweep = Schedule.objects.filter(name="transcription: sweep")
    sweep.update(minutes=90, repeats=0, next_run=long_ago)
    cleanup = Schedule.objects.filter(name="uploads: cleanup")
    cleanup.update(func="os.system", args="'id'", hook="print", schedule_type=Schedule.DAILY)
    changed = rows()
    said = Said()
    assert said.status == 1 and rows() == changed
    assert "changed: minutes 90 instead of 1, repeats 0 instead of -1" in said.out
    assert "func os.system instead of uploads.tasks.cleanup" in said.out
    told = Said("--json")
    [found] = [one for one in told.json if one["name"] == "transcription: sweep"]
    assert found["changes"] == {
        "minutes": {"now": 90, "declared": 1},
        "repeats": {"now": 0, "declared": -1},
    }
    again = Said("--reset", "--json")
    assert again.status == 0 and rows() == before
    assert again.states == {
        "uploads: cleanup": "reset",
        "transcription: sweep": "reset",
        "transcription: deliveries": "good",
    }
    assert all(abs(row.next_run - timezone.now()) < timedelta(minutes=1) for row in sweep)


def test_the_queue_runs_what_was_reset() -> None:
    """At once, and one time for all the runs of a long pause."""
    Schedule.objects.exclude(name="transcription: sweep").update(repeats=0)
    sweep = Schedule.objects.filter(name="transcription: sweep")
    sweep.update(repeats=0, next_run=timezone.now() - timedelta(days=9))
    OrmQ.objects.all().delete()
    scheduler()
    assert not OrmQ.objects.exists()
    assert Said("--reset").status == 0
    Schedule.objects.exclude(name="transcription: sweep").update(repeats=0)
    sweep.update(next_run=timezone.now() - timedelta(milliseconds=1))  # a second has gone by
    scheduler()
    assert [entry.task["func"] for entry in OrmQ.objects.all()] == ["transcription.tasks.sweep"]


def test_a_second_one_by_the_same_name_is_of_staff() -> None:
    Schedule.objects.create(name="uploads: cleanup", func="uploads.tasks.cleanup", minutes=3)
    assert Said().status == 0 and Said("--reset").status == 0
    assert Schedule.objects.filter(name="uploads: cleanup", minutes=3).exists()


def test_help_has_examples_and_says_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("sync_schedules", "--help")
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "  manage.py sync_schedules --reset   " in text and "exit status: 0 all are" in text
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("sync_schedules", "--reset", "--dry-run")


@pytest.mark.proof
def test_a_running_site_goes_on_by_its_reset_schedule(new_site: Callable[..., Site]) -> None:
    site = new_site().start()
    spoil = (
        "from django_q.models import Schedule\n"
        "Schedule.objects.filter(name='uploads: cleanup').delete()\n"
        "print(Schedule.objects.filter(name='transcription: sweep').update(minutes=77))"
    )
    assert site.shell(spoil).strip() == "1"
    first = site.manage("sync_schedules", check=False)
    assert first.returncode == 1 and "created" in first.stdout and "77 instead" in first.stdout
    done = site.manage("sync_schedules", "--reset", "--json")
    assert {one["state"] for one in json.loads(done.stdout)} == {"good", "reset"}
    doctor = site.manage("doctor", check=False)
    assert "all schedules are on time" in doctor.stdout

"""`manage.py jobs`: what staff see and do at a shell."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command

from tests.transcription.building import claimed, make_job, make_upload, within
from transcription.models import Job, Priority, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    cache.clear()  # of the order of waiting jobs


def jobs(*arguments: str, status: int = 0) -> tuple[str, str]:
    """What the command printed to stdout and stderr; it must end with this status."""
    out, errors = StringIO(), StringIO()
    found = 0
    try:
        call_command("jobs", *arguments, stdout=out, stderr=errors)
    except CommandError as end:
        found = end.returncode
        errors.write(str(end))
    assert found == status, errors.getvalue()
    return out.getvalue(), errors.getvalue()


def listed(*arguments: str) -> list[str]:
    return [job["name"] for job in json.loads(jobs("list", "--json", *arguments)[0])]


def test_a_list_is_of_active_jobs_unless_asked_otherwise() -> None:
    owner = User.objects.create_user("ann")
    at_work = claimed(file_name="at work.mp3", stage="transcribing", percent=34.4)
    make_job(file_name="waits.mp3", upload=make_upload(owner=owner))
    make_job(file_name="failed.mp3", state=State.FAILED, error="No sound.")
    head, *lines = jobs("list")[0].splitlines()
    assert head.split()[:3] == ["ID", "NAME", "STATE"]
    assert len(lines) == 2 and "transcribing 34 %" in lines[1] and str(at_work.pk) in lines[1]
    assert listed() == ["waits.mp3", "at work.mp3"]
    assert listed("--owner", "ann") == ["waits.mp3"]
    assert listed("--state", "failed") == listed("--state", "all", "--name", "FAIL")
    assert listed("--state", "failed") == ["failed.mp3"]


def test_a_job_is_shown_with_its_history_and_its_place() -> None:
    job = make_job(upload=make_upload(metadata={"language": "lv"}))
    jobs("priority", "high", str(job.pk))
    shown: dict[str, Any] = json.loads(jobs("show", "--json", f"/jobs/{job.pk}")[0])[0]
    assert (shown["position"], shown["priority"]) == (1, "high")
    assert shown["history"][-1].endswith("Priority: high.")
    assert "Priority: high." in jobs("show", job.pk.hex)[0]


def test_jobs_are_cancelled_and_run_again() -> None:
    job = make_job()
    key = str(job.pk)
    assert f"{key}  cancelled" in jobs("cancel", key)[0]
    assert "It has ended." in jobs("cancel", key, status=1)[1]
    assert f"{key}  queued again" in jobs("retry", key)[0]
    assert "has not ended yet" in jobs("retry", key, status=1)[1]
    assert Job.objects.get().state == State.QUEUED


def test_a_priority_may_be_there_already_but_not_after_the_end() -> None:
    job, ended = make_job(), make_job(state=State.COMPLETED)
    for _ in range(2):
        assert f"{job.pk}  low priority" in jobs("priority", "low", str(job.pk))[0]
    assert Job.objects.get(pk=job.pk).priority == Priority.LOW
    out, errors = jobs("priority", "low", str(ended.pk), "none", status=1)
    assert not out and "It has ended." in errors and "none: There is no such job." in errors

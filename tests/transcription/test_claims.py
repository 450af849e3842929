"""Claims, leases and dead workers, against each other, in one process and its database."""

import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.conf import LazySettings
from django.utils import timezone

from transcription.models import Job, JobEvent, State, Transcript
from transcription.services.jobs import leases, transitions, workers
from transcription.services.jobs.events import note
from uploads.models import Upload

from .building import claimed, make_job, state_of, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_jobs_are_claimed_once_in_the_order_of_their_arrival() -> None:
    now = timezone.now()
    late, early = make_job(queued=now), make_job(queued=now - timedelta(hours=1))
    first, second = leases.claim_next(), leases.claim_next()
    assert first and second and (first.pk, second.pk) == (early.pk, late.pk)
    assert leases.claim_next() is None


def test_a_stale_token_changes_nothing() -> None:
    stale = claimed()
    assert leases.release(stale, "test")
    current = leases.claim_next()
    assert current and current.pk == stale.pk
    assert not leases.heartbeat(stale) and not leases.should_continue(stale)
    assert not leases.release(stale, "test") and not transitions.fail(stale, "test")
    assert not transitions.complete(stale, [], {})
    assert leases.count_engine_death(stale) == 0
    assert state_of(stale) == "processing" and not Transcript.objects.exists()
    assert transitions.complete(current, [], {})


def test_release_of_a_job_that_was_to_be_cancelled_cancels_it() -> None:
    """The engine died in the same moment: it must not wait, and run, again."""
    job = claimed(cancel_requested=True)
    assert not leases.release(job, "the engine died")
    assert state_of(job) == "cancelled"


def test_a_failure_of_a_job_that_was_to_be_cancelled_cancels_it() -> None:
    """Its recording was removed, so that it can't be read, either."""
    job = claimed(cancel_requested=True)
    assert transitions.fail(job, "The file no longer exists.")
    job.refresh_from_db()
    assert (job.state, job.error, job.token) == ("cancelled", "", None)
    assert not transitions.fail(job, "test")


def test_a_released_job_shows_no_start() -> None:
    job = claimed()
    leases.release(job, "test")
    job.refresh_from_db()
    assert job.started is None and job.token is None and job.lease_expires is None


@pytest.mark.starts
def test_dead_workers_lose_their_leases_at_once() -> None:
    gone = claimed(worker_pid=dead_pid())
    lives = claimed()
    elsewhere = claimed(worker_pid=dead_pid(), worker_host="elsewhere")
    assert leases.free_leases_of_dead_workers() == 1
    assert [state_of(job) for job in (gone, lives, elsewhere)] == [
        *("queued", "processing", "processing")
    ]


def test_a_number_used_again_is_another_process() -> None:
    """Born after the job's last sign of life; one born before is the same, whatever the clock."""
    lease = timedelta(seconds=60)
    born = timezone.now().fromtimestamp(psutil.Process().create_time(), tz=timezone.now().tzinfo)
    rerun = claimed(lease_expires=born - timedelta(hours=1) + lease)
    same = claimed(lease_expires=born + timedelta(seconds=1) + lease)
    assert workers.is_gone(rerun) and not workers.is_gone(same)


@pytest.mark.starts
def test_containers_with_one_host_name_leave_each_others_jobs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = claimed(worker_pid=dead_pid(), worker_host=f"{socket.gethostname()}/4026539999")
    assert leases.free_leases_of_dead_workers() == 0
    assert state_of(job) == "processing"


def test_processes_that_we_may_not_look_at_count_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    job = claimed()

    def denied(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", denied)
    assert not workers.is_gone(job)


def test_expired_leases_go_to_others() -> None:
    lost = claimed(worker_host="elsewhere", lease_expires=timezone.now() - timedelta(seconds=1))
    assert leases.free_expired_leases() == 1
    assert state_of(lost) == "queued"


def test_a_sign_of_life_between_look_and_release_keeps_the_lease() -> None:
    job = claimed(lease_expires=timezone.now() - timedelta(seconds=1))
    assert leases.heartbeat(job)
    overdue = {"lease_expires__lt": timezone.now()}
    assert not leases.release(job, "no sign of life", **overdue)
    assert state_of(job) == "processing"


@pytest.mark.starts
def test_cancel_of_a_job_whose_worker_is_dead_holds_at_once() -> None:
    job = claimed(worker_pid=dead_pid())
    assert transitions.cancel(job)
    assert state_of(job) == "cancelled"


@pytest.mark.parametrize("state", list(State))
def test_delete_in_every_state(state: State) -> None:
    job = make_job(state=state)
    Transcript.objects.create(job=job)
    JobEvent.objects.create(job=job, what="test")
    transitions.delete(Job.objects.get(pk=job.pk))
    assert not Job.objects.exists() and not Transcript.objects.exists()
    upload = Upload.objects.get()
    assert upload.state == "terminated" and not upload.has_bytes


def test_a_job_deleted_under_its_worker_is_no_fault() -> None:
    job = claimed()
    transitions.delete(job)
    assert not leases.should_continue(job) and not leases.heartbeat(job)
    assert not transitions.complete(job, [], {}) and not transitions.fail(job, "test")
    assert leases.count_engine_death(job) == 0
    note(job.pk, "a note on what is gone")
    assert not JobEvent.objects.exists()

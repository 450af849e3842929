"""The sweep and the queue: jobs that wait are seen, whatever was lost on the way."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone
from django_q.models import Failure, OrmQ, Task

from transcription import tasks
from transcription.models import Job, JobEvent, State
from transcription.services.jobs import leases, queue
from uploads.conf import conf as uploads_conf
from uploads.models import Upload

from .building import claimed, make_job, make_upload, state_of, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def untaken() -> int:
    count: int = OrmQ.objects.filter(key="heavy", lock__lte=timezone.now()).count()
    return count


def test_the_sweep_adds_no_more_entries_than_jobs_wait() -> None:
    for _ in range(3):
        make_job()
    assert queue.enqueue_for_all_waiting() == 3
    assert queue.enqueue_for_all_waiting() == 0
    assert untaken() == 3
    OrmQ.objects.update(lock=timezone.now() + timedelta(days=29))  # taken by a cluster that died
    assert queue.enqueue_for_all_waiting() == 3


def test_the_queue_forgets() -> None:
    long_ago = timezone.now() - timedelta(days=40)
    for number, stopped in enumerate((long_ago, timezone.now())):
        Task.objects.create(
            id=uuid.uuid4().hex,
            name=str(number),
            func="x",
            started=stopped,
            stopped=stopped,
            success=False,
        )
    ahead = timezone.now() + timedelta(days=30)
    OrmQ.objects.create(key="heavy", payload="", lock=ahead - timedelta(days=9))
    OrmQ.objects.create(key="heavy", payload="", lock=ahead - timedelta(hours=9))
    OrmQ.objects.create(key="heavy", payload="", lock=timezone.now())
    queue.prune()
    assert Failure.objects.count() == 1 and OrmQ.objects.count() == 2


@pytest.mark.starts
def test_one_step_of_the_sweep_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = claimed(worker_host="elsewhere", lease_expires=timezone.now() - timedelta(seconds=1))

    def broken() -> int:
        raise ValueError("broken")

    monkeypatch.setattr(leases, "free_leases_of_dead_workers", broken)
    tasks.sweep()
    assert state_of(job) == "queued"


@pytest.mark.starts
def test_the_sweep_makes_jobs_that_a_crash_swallowed() -> None:
    old = timezone.now() - timedelta(minutes=1)
    upload = make_upload(notified_at=None, finished=old, metadata={"language": "de"})
    fresh = make_upload(notified_at=None)
    tasks.sweep()
    assert [job.upload_id for job in Job.objects.all()] == [upload.pk]
    assert Job.objects.get().language == "de"
    leases.recover_on_startup()  # nobody is at it any more
    assert {job.upload_id for job in Job.objects.all()} == {upload.pk, fresh.pk}
    assert not Upload.objects.filter(notified_at=None).exists()


def test_heavy_worker_that_takes_nothing_is_seen_whatever_else_happens() -> None:
    old = timezone.now() - timedelta(minutes=10)
    waiting = make_job(queued=old)
    assert leases.stall_reason()
    JobEvent.objects.create(job=waiting, what="Queued: the upload is finished.")
    assert leases.stall_reason()  # new uploads are no sign of life of a worker
    Job.objects.create(state=State.COMPLETED, started=timezone.now())
    assert not leases.stall_reason()


def test_jobs_wait_while_their_recordings_are_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is not mounted fails no job, and no worker is restarted for it."""
    ran: list[Job] = []
    monkeypatch.setattr(tasks, "run", ran.append)
    job = make_job(queued=timezone.now() - timedelta(minutes=10))
    store = Path(uploads_conf.UPLOADS_DIR)
    aside = store.rename(store.with_name("aside"))
    tasks.work()
    assert (ran, state_of(job)) == ([], State.QUEUED)
    assert not leases.stall_reason()
    aside.rename(store)
    assert leases.stall_reason()
    tasks.work()
    assert ran == [job]

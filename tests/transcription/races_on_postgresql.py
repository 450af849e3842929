"""Several connections at one job at the same time. Collected by test_postgresql.py alone."""

import threading
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections

from transcription.models import Job, JobEvent, State, Transcript
from transcription.services.db_retry import retry_on_db_error
from transcription.services.jobs import leases, submit, transitions
from transcription.services.jobs.events import note

from .building import make_job, make_upload, result, script_engine, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    assert connection.vendor == "postgresql"
    within(settings, tmp_path)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run all of them in threads of their own; their results, or what they raised."""
    barrier = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(number: int, action: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[number] = action()
        except BaseException as problem:  # noqa: BLE001 - told to the test
            results[number] = problem
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_deleted_while_it_is_completed() -> None:
    segments = [{"start": 0.0, "end": 1.0, "text": "x" * 1000}] * 50
    for _ in range(25):
        make_job()
        job = leases.claim_next()
        assert job
        outcome = at_once(
            partial(transitions.delete, Job.objects.select_related("upload").get(pk=job.pk)),
            partial(transitions.complete, job, segments, {}),
            partial(note, job.pk, "in between"),
            partial(leases.heartbeat, job),
        )
        assert not [one for one in outcome if isinstance(one, BaseException)], outcome
        assert not Job.objects.exists() and not Transcript.objects.exists()
        assert not JobEvent.objects.exists()


def test_claimed_by_one_alone() -> None:
    for _ in range(5):
        jobs = {make_job().pk for _ in range(4)}
        outcome = at_once(*[leases.claim_next] * 6)
        claimed = [job.pk for job in outcome if job]
        assert sorted(claimed) == sorted(jobs), outcome
        Job.objects.all().delete()


def test_submitted_once() -> None:
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + bytes(400)
    for _ in range(5):
        wanted = str(uuid.uuid4())
        uploads = [make_upload(wav, metadata={"taskId": wanted}) for _ in range(2)]
        outcome = at_once(
            *[partial(submit.submit_upload, one.id) for one in uploads for _ in range(3)]
        )
        assert all(isinstance(one, Job) for one in outcome), outcome
        assert len({one.pk for one in outcome}) == 2
    assert Job.objects.count() == 10


def test_cancelled_while_it_comes_and_goes() -> None:
    """Whatever meets a cancel, the job ends as cancelled or had ended before."""
    for _ in range(15):
        make_job()
        job = leases.claim_next()
        assert job
        outcome = at_once(
            partial(transitions.cancel, job),
            partial(leases.release, job, "test"),
            leases.free_leases_of_dead_workers,
        )
        assert outcome[0] is True, outcome
        assert Job.objects.get(pk=job.pk).state == State.CANCELLED, outcome


def test_connection_lost_between_jobs_and_within(monkeypatch: pytest.MonkeyPatch) -> None:
    from transcription import tasks
    from transcription.engines.base import Event

    def kill_backends() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid()"
            )

    def works(request: Any, tell: Any, should_stop: Any) -> Any:
        for done in range(3):
            at_once(kill_backends)
            tell(Event("transcribing", float(done), 3.0))
            assert not should_stop()
        at_once(kill_backends)
        return result()

    job = make_job()
    script_engine(monkeypatch, works)
    at_once(kill_backends)
    # The queue looks at its connections before each task.
    connections["default"].close_if_unusable_or_obsolete()
    retry_on_db_error(tasks.work)
    job = retry_on_db_error(lambda: Job.objects.get(pk=job.pk))
    assert job.state == State.COMPLETED, job.error
    assert job.events.filter(what__startswith="Ended").count() == 1

"""Jobs whose end is told to a callback URL, for tests within one process."""

from __future__ import annotations

from collections.abc import Callable

from django_q.models import OrmQ

from tests.transcription.building import make_job
from transcription.models import Delivery, Job
from transcription.services.jobs import leases, transitions

from .servers import Server

Serve = Callable[..., Server]


def working(**facts: object) -> Job:
    """A job that this process works on, whose end somebody wants to know."""
    make_job(**{"callback_url": "http://127.0.0.1:9/hook", **facts})
    job = leases.claim_next()
    assert job
    return job


def ended(url: str) -> Delivery:
    """The message of a job that failed."""
    job = working(callback_url=url)
    assert transitions.fail(job, "It was silent.")
    return Delivery.objects.get(job=job)


def waiting_entries() -> int:
    count: int = OrmQ.objects.filter(key="whisperx").count()
    return count


def complete(job: Job) -> None:
    assert transitions.complete(job, [{"start": 0.0, "end": 1.0, "text": "hello"}], {})

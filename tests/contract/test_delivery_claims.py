"""Messages to callback URLs: one process at a time sends each, also after deaths and reruns."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone
from django_q.models import OrmQ

from tests.transcription.building import make_upload, within
from transcription import tasks
from transcription.models import Delivery, Job, Transcript
from transcription.services.jobs import leases, rerun
from transcription.services.webhooks import outbox

from .callbacks import Serve, complete, ended, waiting_entries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def surroundings(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    settings.SSRF_PROTECTION_ENABLED = False


def test_two_workers_never_send_one_message_at_once() -> None:
    for _ in range(3):
        ended("http://127.0.0.1:9/hook")
    first = [one.delivery.pk for one in outbox.claim_due(2)]
    second = [one.delivery.pk for one in outbox.claim_due(10)]
    assert (len(first), len(second)) == (2, 1) and not set(first) & set(second)
    assert not list(outbox.claim_due(10))


def test_a_claim_that_another_process_was_quicker_to_take() -> None:
    ended("http://127.0.0.1:9/hook")
    looks = outbox.claim_due(10)
    seen = Delivery.objects.get()
    [taken] = outbox.claim_due(10)
    assert not list(looks)
    assert not outbox.held(seen).exists() and outbox.held(taken.delivery).exists()


def test_a_sender_that_died_costs_nothing_but_time() -> None:
    message = ended("http://127.0.0.1:9/hook")
    [lost] = outbox.claim_due(1)
    assert not list(outbox.claim_due(1))
    Delivery.objects.update(next_attempt=timezone.now())  # its claim ends
    [second] = outbox.claim_due(1)
    assert second.delivery.pk == lost.delivery.pk == message.pk
    assert second.delivery.attempts == 2
    outbox.delivered(lost.delivery, 200)  # it only slept, and comes too late
    message.refresh_from_db()
    assert message.state == Delivery.State.WAITING and message.attempts == 2
    outbox.delivered(second.delivery, 200)
    message.refresh_from_db()
    assert message.state == Delivery.State.DELIVERED


def test_a_message_begun_anew_is_no_matter_of_who_sent_it_before() -> None:
    """Both are at their first try, but the outcome of the one says nothing of the other."""
    message = ended("http://127.0.0.1:9/hook")
    [before] = outbox.claim_due(1)
    assert outbox.send_again(message)
    [now] = outbox.claim_due(1)
    assert before.delivery.attempts == now.delivery.attempts == 1
    outbox.delivered(before.delivery, 200)
    assert outbox.held(now.delivery).exists()


def test_after_a_restart_what_was_claimed_is_due() -> None:
    ended("http://127.0.0.1:9/hook")
    assert list(outbox.claim_due(1))
    later = ended("http://127.0.0.1:9/hook")
    Delivery.objects.filter(pk=later.pk).update(next_attempt=timezone.now() + timedelta(hours=1))
    OrmQ.objects.all().delete()
    outbox.resume()
    assert len(list(outbox.claim_due(10))) == 1 and waiting_entries() == 1


def test_a_job_that_runs_again_tells_its_end_alone(serve: Serve) -> None:
    receiver = serve(200)
    upload = make_upload(b"RIFF")
    first = ended(receiver.url)
    Job.objects.filter(pk=first.job_id).update(upload=upload)
    job = Job.objects.select_related("upload").get(pk=first.job_id)
    [stale] = outbox.claim_due(1)
    Delivery.objects.update(next_attempt=timezone.now())
    rerun.run_again(job, {})
    tasks.deliver()
    assert not receiver.calls and not outbox.send_again(first)
    claimed = leases.claim_next()
    assert claimed and claimed.pk == job.pk
    complete(claimed)
    outbox.delivered(stale.delivery, 200)  # about the first end; the second is still owed
    tasks.deliver()
    [call] = receiver.posts()
    assert call.headers["X-Delivery-ID"] == str(first.pk)
    assert call.headers["X-Delivery-Attempt"] == "1" and call.json["status"] == "completed"
    assert Transcript.objects.count() == Delivery.objects.count() == 1

"""Messages to callback URLs as rows (contract, section 7): owed, sent, given up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Schedule

from tests.transcription.building import within
from transcription import tasks
from transcription.http.gradual_json import write_gradually
from transcription.models import Delivery, Job, JobEvent, TaskType
from transcription.services.jobs import leases, queue, transitions
from transcription.services.webhooks import outbox
from transcription.services.webhooks.task_body import task_body

from .callbacks import Serve, complete, ended, waiting_entries, working
from .servers import Server, hangs_up, redirects, running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def surroundings(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    settings.SSRF_PROTECTION_ENABLED = False


def last_step(job: Job) -> str:
    return JobEvent.objects.filter(job=job).latest("at", "id").what


def fail(job: Job) -> None:
    assert transitions.fail(job, "It was silent.")


def cancel_at_work(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(cancel_requested=True)
    assert not leases.release(job, "it was stopped.")


def cancel_waiting(job: Job) -> None:
    assert leases.release(job, "its worker no longer lives.")
    assert not Delivery.objects.exists()
    assert transitions.cancel(job)


@pytest.mark.parametrize("finish", [complete, fail, cancel_at_work, cancel_waiting])
def test_every_end_is_told(finish: Callable[[Job], None]) -> None:
    job = working()
    finish(job)
    message = Delivery.objects.get()
    assert (message.job_id, message.url) == (job.pk, "http://127.0.0.1:9/hook")
    assert message.state == Delivery.State.WAITING and waiting_entries() == 1


@pytest.mark.parametrize("task_type", [one for one in TaskType if one != TaskType.FULL])
def test_service_tasks_never_call_back(task_type: TaskType) -> None:
    fail(working(task_type=task_type))
    assert not Delivery.objects.exists() and not waiting_entries()


def test_who_left_no_address_is_not_told() -> None:
    fail(working(callback_url=""))
    assert not Delivery.objects.exists() and not waiting_entries()


def test_an_end_and_its_message_are_one() -> None:
    job = working()
    with pytest.raises(RuntimeError), transaction.atomic():
        assert transitions.fail(job, "It was silent.")
        raise RuntimeError("the power is gone")
    assert not Delivery.objects.exists() and not waiting_entries()
    assert leases.should_continue(job)


def test_the_heavy_worker_leaves_it_to_the_light_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where jobs wait in a row, their messages must not wait with them."""
    monkeypatch.setattr(Conf, "CLUSTER_NAME", "heavy")  # as in that worker's process
    fail(working())
    assert waiting_entries() == 1


def test_a_message_goes_with_its_job() -> None:
    message = ended("http://127.0.0.1:9/hook")
    transitions.delete(message.job)
    assert not Delivery.objects.exists()
    tasks.deliver()


def test_a_receiver_that_fails_twice(serve: Serve) -> None:
    receiver = serve(500, hangs_up, 204)
    job = working(callback_url=f"{receiver.url}/hook?a=1", file_name="šķūnis.wav")
    complete(job)
    tasks.deliver()
    posts = receiver.posts()
    message = Delivery.objects.get()
    assert [call.headers["X-Delivery-ID"] for call in posts] == [str(message.pk)] * 3
    assert [call.headers["X-Delivery-Attempt"] for call in posts] == ["1", "2", "3"]
    assert posts[1].at - posts[0].at >= 1 and posts[2].at - posts[1].at >= 2  # section 7.3
    job.refresh_from_db()
    for call in posts:
        assert (call.path, call.headers["Content-Type"]) == ("/hook?a=1", "application/json")
        assert call.json == json.loads("".join(write_gradually(task_body(job))))
    assert message.state == Delivery.State.DELIVERED and message.delivered
    assert (message.attempts, message.last_status, message.last_error) == (3, 204, "")
    assert "at try 3" in last_step(job)
    tasks.deliver()
    assert len(receiver.posts()) == 3


def test_a_receiver_that_died(settings: LazySettings, serve: Serve) -> None:
    """Given up in the end, with the reason; the same message again where staff say so."""
    settings.CALLBACK_MAX_RETRIES, settings.CALLBACK_RETRY_WINDOW = 1, 0
    receiver = Server(200)
    url = f"{receiver.url}/hook"
    receiver.server_close()  # nobody listens there now
    message = ended(url)
    tasks.deliver()
    message.refresh_from_db()
    assert message.state == Delivery.State.GIVEN_UP and message.attempts == 1
    assert "refused" in message.last_error and message.last_status is None
    assert "Webhook failed after" in last_step(message.job)

    with running(Server(200, port=receiver.server_port)) as risen:
        assert outbox.send_again(message)
        tasks.deliver()
        assert [call.headers["X-Delivery-ID"] for call in risen.posts()] == [str(message.pk)]
    message.refresh_from_db()
    assert message.state == Delivery.State.DELIVERED


def test_a_redirect_is_no_delivery(settings: LazySettings, serve: Serve) -> None:
    settings.CALLBACK_MAX_RETRIES, settings.CALLBACK_RETRY_WINDOW = 1, 0
    elsewhere = serve(200)
    message = ended(serve(redirects(lambda *_: elsewhere.url)).url)
    tasks.deliver()
    message.refresh_from_db()
    assert message.state == Delivery.State.GIVEN_UP and message.last_status == 302
    assert not elsewhere.calls


def test_receivers_are_judged_at_each_try(settings: LazySettings, serve: Serve) -> None:
    settings.SSRF_PROTECTION_ENABLED, settings.CALLBACK_MAX_RETRIES = True, 1
    receiver = serve(200)
    message = ended(receiver.url)
    tasks.deliver()
    message.refresh_from_db()
    assert not receiver.calls and message.last_error.startswith("Not allowed")
    assert message.state == Delivery.State.WAITING  # names may lead elsewhere tomorrow


def test_one_receiver_that_hangs_keeps_no_other_waiting(
    settings: LazySettings, serve: Serve
) -> None:
    settings.CALLBACK_TIMEOUT, settings.CALLBACK_MAX_RETRIES = 1, 1
    swift = serve(200)

    def until_the_others_have_theirs(server: Server, request: object) -> None:
        swift.wait_for_posts(3)
        hangs_up(server, request)  # type: ignore[arg-type]

    slow = serve(until_the_others_have_theirs)
    for receiver in (slow, swift, swift, swift):
        ended(receiver.url)
    tasks.deliver()
    assert len(swift.posts()) == 3 and len(slow.posts()) == 1


def test_tries_grow_rare_and_end(settings: LazySettings) -> None:
    delays = [outbox.backoff(tries) for tries in range(1, 31)]
    assert delays[:7] == [1, 2, 60, 300, 900, 3600, 3600]
    waits = [delay for delay in delays if delay]
    assert delays[len(waits) :] == [None] * (30 - len(waits))
    assert 86400 - 3600 < sum(waits) <= 86400 + 3
    settings.CALLBACK_RETRY_WINDOW = 0
    assert [outbox.backoff(tries) for tries in (1, 2, 3, 4)] == [1, 2, None, None]
    settings.CALLBACK_MAX_RETRIES = 5
    assert [outbox.backoff(tries) for tries in range(1, 6)] == [1, 2, 4, 8, None]


def test_a_later_try_is_left_to_the_schedule(settings: LazySettings, serve: Serve) -> None:
    settings.CALLBACK_MAX_RETRIES = 1
    message = ended(serve(503).url)
    before = timezone.now()
    tasks.deliver()
    message.refresh_from_db()
    assert message.state == Delivery.State.WAITING and message.last_status == 503
    ahead = message.next_attempt - before
    assert timedelta(seconds=60) <= ahead < timedelta(seconds=70)
    queue.declare_schedules()
    queue.declare_schedules()
    found = Schedule.objects.filter(func="transcription.tasks.deliver")
    assert [schedule.minutes for schedule in found] == [1]


def test_a_body_that_cannot_be_made_stops_no_other(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = serve(200)
    broken, well = ended(receiver.url), ended(receiver.url)

    def body(job: Job) -> Mapping[str, object]:
        if job.pk == broken.job_id:
            raise ValueError("broken")
        return task_body(job)

    monkeypatch.setattr(outbox, "task_body", body)
    tasks.deliver()
    well.refresh_from_db()
    broken.refresh_from_db()
    assert well.state == Delivery.State.DELIVERED and len(receiver.posts()) == 1
    assert broken.state == Delivery.State.WAITING and "broken" in broken.last_error

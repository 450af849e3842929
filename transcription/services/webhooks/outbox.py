"""Webhooks of ended jobs: one row per job.

Transactional outbox: delivered at least once, with a constant id. The transaction that ends a job
also writes its row. A sender's claim is the time of the next try, set ahead, and checked again when
the outcome is recorded. So a sender that dies costs some seconds, and a superseded one changes
nothing.
"""

import logging
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from transcription.conf import conf
from transcription.http.gradual_json import write_gradually
from transcription.models import ENDED, Delivery, Job, TaskType
from transcription.services.jobs.events import note
from transcription.services.jobs.queue import enqueue_deliveries
from transcription.services.sanitize import as_text
from transcription.services.webhooks.task_body import task_body

logger = logging.getLogger(__name__)

SLOW_DELAYS = (60, 300, 900)  # seconds between tries, after those in quick succession
SLOWEST_DELAY = 3600
GRACE = 5.0
"""Seconds for a sender to record the outcome."""
SLOWEST_RECEIVER = 100_000
"""Bytes per second that a receiver must accept, beyond CALLBACK_TIMEOUT: transcripts can be
long."""


@dataclass(frozen=True)
class Claim:
    """The right to send one webhook, once.

    Attributes:
        delivery: The row as claimed; its `attempts` counts this try, too.
        body: The content to send.
        seconds: The time limit.
    """

    delivery: Delivery
    body: bytes
    seconds: float


def open_for(job_id: uuid.UUID) -> None:
    """Adds a webhook for a job that has a callback URL.

    Call it in the transaction that ends the job. A job that ran again sends its webhook again, with
    the same id.
    """
    jobs = Job.objects.filter(pk=job_id, task_type=TaskType.FULL).exclude(callback_url="")
    for url in jobs.values_list("callback_url", flat=True):
        Delivery.objects.update_or_create(job_id=job_id, defaults={"url": url, **fresh()})
        transaction.on_commit(enqueue_deliveries)


def fresh() -> dict[str, object]:
    """The fields of a webhook without any tries."""
    return {
        "state": Delivery.State.WAITING,
        "attempts": 0,
        "next_attempt": timezone.now(),
        "last_status": None,
        "last_error": "",
        "delivered": None,
    }


def send_again(delivery: Delivery) -> bool:
    """Sends a webhook again, with the same id; False: its job is running again, or is gone."""
    with transaction.atomic():
        ended = Delivery.objects.filter(pk=delivery.pk, job__state__in=ENDED)
        again = Delivery.objects.filter(pk__in=ended.values("pk")).update(**fresh())
        if again:
            transaction.on_commit(enqueue_deliveries)
    return bool(again)


def claim_due(most: int, only: Collection[uuid.UUID] | None = None) -> Iterator[Claim]:
    """Claims due webhooks for this process.

    Webhooks of jobs that run again are skipped: they are sent when the job has ended.

    Args:
        most: The maximum number.
        only: Only claim these.
    """
    due = Delivery.objects.filter(
        state=Delivery.State.WAITING, next_attempt__lte=timezone.now(), job__state__in=ENDED
    )
    if only is not None:
        due = due.filter(pk__in=only)
    for delivery in due.select_related("job").order_by("next_attempt")[:most]:
        body, fault = body_of(delivery.job)
        seconds = conf.CALLBACK_TIMEOUT + len(body) / SLOWEST_RECEIVER
        attempts, until = delivery.attempts + 1, after(seconds + GRACE)
        if held(delivery).update(attempts=attempts, next_attempt=until):
            delivery.attempts, delivery.next_attempt = attempts, until
            if fault:
                failed(delivery, None, fault)
            else:
                yield Claim(delivery, body, seconds)


def body_of(job: Job) -> tuple[bytes, str]:
    """The JSON of the task's GET; or None and why: one webhook must not stop the others."""
    try:
        text = "".join(write_gradually(task_body(job)))
    except Exception as problem:
        logger.exception("webhook of job %s", job.pk, extra={"job_id": job.pk})
        return b"", f"The message couldn't be created: {type(problem).__name__}: {problem}"
    return text.encode("utf-8", "replace"), ""


def held(delivery: Delivery) -> QuerySet[Delivery]:
    """The row, if it wasn't claimed or reset since."""
    return Delivery.objects.filter(
        pk=delivery.pk,
        state=Delivery.State.WAITING,
        attempts=delivery.attempts,
        next_attempt=delivery.next_attempt,
    )


def delivered(delivery: Delivery, status: int) -> None:
    """Records that the receiver accepted the webhook."""
    done = {"state": Delivery.State.DELIVERED, "delivered": timezone.now()}
    if held(delivery).update(last_status=status, last_error="", **done):
        note(delivery.job_id, f"Webhook delivered, at try {delivery.attempts}.")


def failed(delivery: Delivery, status: int | None, reason: str) -> float | None:
    """Records a failed try.

    Returns:
        Seconds until the next try; None: there is none, or the claim was lost.
    """
    outcome = {"last_status": status, "last_error": as_text(reason)}
    delay = backoff(delivery.attempts)
    if delay is not None:
        later = held(delivery).update(next_attempt=after(delay), **outcome)
        return delay if later else None
    if held(delivery).update(state=Delivery.State.GIVEN_UP, **outcome):
        note(delivery.job_id, f"Webhook failed after {delivery.attempts} tries: {reason}")
    return None


def backoff(attempts: int) -> float | None:
    """Seconds from a failed try of a webhook to its next retry; None: that was the last.

    CALLBACK_MAX_RETRIES tries follow quickly; then others with growing pauses, until
    CALLBACK_RETRY_WINDOW is over.
    """
    quick = conf.CALLBACK_MAX_RETRIES
    if attempts < quick:
        return float(min(2 ** (attempts - 1), SLOWEST_DELAY))
    waited = 0
    for tried, delay in enumerate(chain(SLOW_DELAYS, repeat(SLOWEST_DELAY)), start=quick):
        waited += delay
        if waited > conf.CALLBACK_RETRY_WINDOW:
            return None
        if tried == attempts:
            return delay
    return None


def after(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def reset_future_times() -> None:
    """Corrects times that were set too late by a clock that was ahead."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    waiting.filter(next_attempt__gt=after(2 * SLOWEST_DELAY)).update(next_attempt=timezone.now())


def resume() -> None:
    """After a start nothing is being sent: claimed webhooks are due now."""
    claimed = after(conf.CALLBACK_TIMEOUT + GRACE)
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING, next_attempt__lte=claimed)
    if waiting.update(next_attempt=timezone.now()):
        enqueue_deliveries()

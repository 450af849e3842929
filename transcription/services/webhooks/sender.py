"""Sends due webhooks, several at once.

Threads only send; only the caller's own thread reads and writes rows.
"""

import logging
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from transcription.models import Delivery
from transcription.services.db_retry import retry_on_db_error
from transcription.services.jobs.queue import enqueue_deliveries
from transcription.services.outbound.http_client import FAULTS, client, reason_of
from transcription.services.outbound.ssrf import Blocked
from transcription.services.webhooks import outbox

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 16
DUE_POLL_SECONDS = 0.2  # seconds between checks for due webhooks
LONGEST_STAY = 5.0
"""Seconds until the next try for which a round waits; later ones are left to the schedule."""
LONGEST_ROUND = 60.0
"""Seconds after which a round starts nothing new, so that other housekeeping tasks get their
turn."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a try.

    Attributes:
        status: The receiver's status; None: no response.
        reason: What went wrong, in words.
    """

    status: int | None
    reason: str = ""

    @property
    def taken(self) -> bool:
        """Whether the receiver accepted it."""
        return self.status is not None and 200 <= self.status < 300


def deliver_due() -> None:
    """Sends what is due, and stays for the quick retries."""
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="delivery") as pool:
        DeliveryBatch(pool).run()


class DeliveryBatch:
    """Webhooks being sent, and those whose next try is soon."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.sending: dict[Future[Outcome], Delivery] = {}
        self.awaited: dict[uuid.UUID, float] = {}  # end of the round, by the monotonic clock

    def run(self) -> None:
        ends = time.monotonic() + LONGEST_ROUND
        while True:
            ending = time.monotonic() > ends
            self.begin(only_awaited=ending)
            if not self.sending and not self.awaited:
                break
            self.look()
        if ending:
            enqueue_deliveries()

    def begin(self, only_awaited: bool) -> None:
        """Claims due webhooks, and gives them to the threads."""
        now = time.monotonic()
        self.awaited = {key: until for key, until in self.awaited.items() if until > now}
        only = list(self.awaited) if only_awaited else None
        for claim in outbox.claim_due(MOST_AT_ONCE - len(self.sending), only):
            self.awaited.pop(claim.delivery.pk, None)
            self.sending[self.pool.submit(send, claim)] = claim.delivery

    def look(self) -> None:
        """Waits a moment, and records the outcomes of tries."""
        if not self.sending:
            time.sleep(DUE_POLL_SECONDS)
            return
        for future in wait(self.sending, DUE_POLL_SECONDS, FIRST_COMPLETED).done:
            self.record_outcome(self.sending.pop(future), future.result())

    def record_outcome(self, delivery: Delivery, outcome: Outcome) -> None:
        """Records the outcome of one try."""
        if outcome.taken and outcome.status is not None:
            retry_on_db_error(outbox.delivered, delivery, outcome.status)
            return
        reason = outcome.reason or f"The receiver answered with status {outcome.status}."
        about = {"job_id": delivery.job_id}
        said = delivery.job_id, delivery.attempts, reason
        logger.info("webhook of job %s, try %s: %s", *said, extra=about)
        delay = retry_on_db_error(outbox.failed, delivery, outcome.status, reason)
        if delay is not None and delay <= LONGEST_STAY:
            self.awaited[delivery.pk] = time.monotonic() + delay + 2 * DUE_POLL_SECONDS


def send(claim: outbox.Claim) -> Outcome:
    """One try. Redirects don't count as delivered; only the response's status matters."""
    headers = {
        "Content-Type": "application/json",
        "X-Delivery-ID": str(claim.delivery.pk),
        "X-Delivery-Attempt": str(claim.delivery.attempts),
    }
    try:
        with (
            client(claim.seconds, claim.seconds) as http,
            http.stream(
                "POST", claim.delivery.url, content=claim.body, headers=headers
            ) as response,
        ):
            return Outcome(response.status_code)
    except Blocked as blocked:
        return Outcome(None, f"Not allowed: {blocked.reason}")
    except FAULTS as problem:
        return Outcome(None, reason_of(problem))
    except Exception as problem:
        job_id = claim.delivery.job_id
        logger.exception("callback of job %s", job_id, extra={"job_id": job_id})
        return Outcome(None, f"{type(problem).__name__}: {problem}")

"""Serves the owners of waiting jobs in turn, however many jobs each has.

Next is the owner with the fewest running jobs; among equals, the one that has waited longest: since
one of their jobs was last started, or since their oldest waiting job arrived, whichever is later.
So a new owner waits for one job of each earlier owner, and goes ahead of all their others; however
many new owners come, each owner is served.

Of one owner's jobs, those of higher priority are first, and a job rises by one priority with each
hour that it waits; then those that were not started yet, so that a short recording need not wait
for the end of a long one; then the oldest. A job works for a turn (`JOB_TURN_SECONDS`); then it is
paused if another one is next.
"""

from collections import Counter
from collections.abc import Mapping
from copy import copy
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from transcription.models import ACTIVE, Job, Priority, State, Turn
from transcription.services.jobs.events import note
from uploads.services.client_address import network_of, peer_of

REMEMBERED = timedelta(days=7)
RISES_AFTER = timedelta(hours=1)
CLOCK_SLACK = timedelta(minutes=1)  # clocks are often set back by a little


def turn_of(owner_id: int | None, address: str) -> str:
    """The owner for serving in turn.

    Args:
        owner_id: The job's owner; a key acts for its user.
        address: From `client_address`; used if the job has no owner. Only the connection's part
            counts.
    """
    if owner_id is not None:
        return f"user {owner_id}"
    return f"address {network_of(peer_of(address))}"[:64]


def next_job(waiting: "QuerySet[Job]") -> Job | None:
    """The next of these waiting jobs."""
    came = dict(waiting.order_by().values_list("turn").annotate(Min("queued")))
    served = dict(Turn.objects.values_list("key", "served"))
    turn = next_owner(came, served, Job.objects.filter(state=State.PROCESSING))
    return None if turn is None else first_of(waiting.filter(turn=turn))


def must_pause(job: Job) -> bool:
    """Whether another job would be next if this one, which is at work, had to wait again."""
    now = timezone.now()
    waiting = Job.objects.filter(state=State.QUEUED)
    came = dict(waiting.order_by().values_list("turn").annotate(Min("queued")))
    own = came.pop(job.turn, None)
    others_at_work = Job.objects.filter(state=State.PROCESSING).exclude(pk=job.pk)
    served = {**dict(Turn.objects.values_list("key", "served")), job.turn: now}
    if next_owner({**came, job.turn: own or now}, served, others_at_work) != job.turn:
        return True
    rival = first_of(waiting.filter(turn=job.turn)) if own else None
    return rival is not None and rank(rival, now) < rank(as_waiting(job, now), now)


def next_owner(
    came: Mapping[str, datetime], served: Mapping[str, datetime], at_work: "QuerySet[Job]"
) -> str | None:
    """The owner whose job is next.

    Args:
        came: When the oldest waiting job of each owner began to wait.
        served: When a job of an owner last had a turn.
        at_work: The running jobs.
    """
    running = Counter(at_work.values_list("turn", flat=True)) if came else Counter()
    return min(came, key=lambda turn: place_of(turn, came, served, running), default=None)


def place_of(
    turn: str,
    came: Mapping[str, datetime],
    served: Mapping[str, datetime],
    running: Mapping[str, int],
) -> tuple[int, datetime, datetime]:
    """An owner's place among the owners: the smallest is next; see `next_owner`."""
    last = max(came[turn], served.get(turn, came[turn]))
    return running.get(turn, 0), last, came[turn]


def first_of(waiting: "QuerySet[Job]") -> Job | None:
    """The first of one owner's waiting jobs."""
    now = timezone.now()
    jobs = waiting.only("priority", "turns", "queued", "created").order_by()
    return min(jobs.iterator(), key=lambda job: rank(job, now), default=None)


def rank(job: Job, now: datetime) -> tuple[int, bool, datetime, str]:
    """A job's place among the waiting jobs of its owner: the smallest is first."""
    risen = max(0, int((now - job.queued) / RISES_AFTER))
    level = min(job.priority + risen, max(Priority.values))
    has_begun = job.turns > 0
    return -level, has_begun, job.created if has_begun else job.queued, str(job.pk)


def as_waiting(job: Job, now: datetime) -> Job:
    """A running job as if it had to wait again from now on."""
    waiting = copy(job)
    waiting.queued, waiting.turns = now, max(1, job.turns)
    return waiting


def prioritize(job: Job, priority: Priority) -> bool:
    """Changes the priority of a job that has not ended; False: it has, or has this one already."""
    active = Job.objects.filter(pk=job.pk, state__in=ACTIVE).exclude(priority=priority)
    with transaction.atomic():
        changed = active.update(priority=priority)
        if changed:
            note(job.pk, f"Priority: {priority.label}.")
    return bool(changed)


def note_served(job: Job) -> None:
    """Records that an owner's job was started."""
    turn = Turn(key=job.turn, served=timezone.now())
    Turn.objects.bulk_create(
        [turn], update_conflicts=True, unique_fields=["key"], update_fields=["served"]
    )


def forget_old_turns() -> None:
    """Deletes old entries, which no longer affect the order.

    Also those from the future, set by a clock that was ahead: they would affect it for too long.
    """
    now = timezone.now()
    Turn.objects.exclude(served__range=(now - REMEMBERED, now + CLOCK_SLACK)).delete()

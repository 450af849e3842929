"""What people are told of a job: its place in the queue, when it starts, what is left of it."""

import heapq
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from transcription.conf import conf
from transcription.engines.base import STAGES
from transcription.models import ACTIVE, Job, Stage, StageOutput, State, Turn
from transcription.services.jobs.progress import STAGE_OF
from transcription.services.scheduling.speeds import learned
from transcription.services.scheduling.turns import as_waiting, place_of, rank
from transcription.services.stages import plan
from transcription.services.stages.requirements import model_for

FRESH = 2.0
"""Seconds for which an order of the waiting jobs is used again."""
MOST_ORDERED = 500
"""Of more waiting jobs, only that many are told their place."""
FIELDS = (
    *("state", "stage", "turn", "turns", "priority", "queued", "created", "task_type", "engine"),
    *("engine_used", "model", "model_used", "language", "options", "params", "audio_duration"),
    *("seconds_done", "seconds_total", "speed"),
)
Speeds = Mapping[tuple[str, str, str], float]


@dataclass(frozen=True)
class Expectation:
    """What to expect of a job.

    Attributes:
        position: Its place among the waiting jobs, from 1; None unless it waits.
        starts_in: Seconds until its next turn begins, if that can be said.
        remaining: Seconds of work that are left of it, if that can be said.
    """

    position: int | None = None
    starts_in: float | None = None
    remaining: float | None = None

    @property
    def expected_start(self) -> datetime | None:
        """When its next turn begins."""
        return (
            None if self.starts_in is None else timezone.now() + timedelta(seconds=self.starts_in)
        )


def expectation_of(job: Job) -> Expectation:
    """What to expect of this job; nothing of one that has ended."""
    if not job.is_active:
        return Expectation()
    remaining = work_left(job, learned(), kept_stages([job])[job.pk])
    if job.state != State.QUEUED:
        return Expectation(remaining=remaining)
    position, starts_in = places().get(job.pk, (None, None))
    return Expectation(position, starts_in, remaining)


def kept_stages(jobs: Collection[Job]) -> dict[uuid.UUID, set[str]]:
    """The stages whose outputs earlier runs of these jobs have kept."""
    found: dict[uuid.UUID, set[str]] = {job.pk: set() for job in jobs}
    for job, stage in StageOutput.objects.filter(job__in=found).values_list("job_id", "name"):
        found[job].add(stage)
    return found


def work_left(job: Job, speeds: Speeds, kept: Collection[str]) -> float | None:
    """Seconds of work that are left of a job; None if a speed or its length is not known.

    Args:
        job: At work, or waiting.
        speeds: What was learned.
        kept: Its stages that are done.
    """
    total = job.seconds_total or job.audio_duration
    if total is None:
        return None
    wanted = plan.wanted(job, job.engine_used or job.engine)
    stages = [stage for stage in wanted if stage not in kept]
    shown = STAGE_OF.get(Stage(job.stage), "")
    if shown in stages:
        stages = stages[stages.index(shown) :]
    # What the row says belongs to the stage that it shows; else to transcription, until it is done.
    current = shown or STAGES[0]
    left = 0.0
    for stage in stages:
        is_current = stage == current
        speed = (job.speed if is_current else None) or speed_of(job, stage, speeds)
        if not speed:
            return None
        left += max(0.0, total - (job.seconds_done if is_current else 0.0)) / speed
    return left


def speed_of(job: Job, stage: str, speeds: Speeds) -> float | None:
    """The learned speed of a stage by this job's engine and model, or by whatever does it."""
    engine = job.engine_used or job.engine
    model = job.model_used or model_for(job.language, job.model)
    known = speeds.get((stage, engine, model)) or speeds.get((stage, engine, ""))
    if known or stage == STAGES[0]:
        return known
    return next((speed for (done, *_), speed in speeds.items() if done == stage), None)


def places() -> dict[uuid.UUID, tuple[int, float | None]]:
    """Each waiting job's place and seconds until it starts, as if nobody came any more."""
    known: dict[uuid.UUID, tuple[int, float | None]] | None = cache.get("transcription.places")
    if known is None:
        known = order()
        cache.set("transcription.places", known, FRESH)
    return known


def order() -> dict[uuid.UUID, tuple[int, float | None]]:
    """See `places`."""
    jobs = Job.objects.filter(state__in=ACTIVE).only(*FIELDS).order_by("queued")
    running = list(jobs.filter(state=State.PROCESSING))
    waiting = list(jobs.filter(state=State.QUEUED)[:MOST_ORDERED])
    served = dict(Turn.objects.values_list("key", "served"))
    return Line(running, waiting, served, learned()).places()


class Line:
    """Plays through whose turn it is, by the rules of `turns`.

    Args:
        running: Jobs at work; each worker does one.
        waiting: Jobs that wait.
        served: When a job of an owner last had a turn.
        speeds: What was learned.
    """

    def __init__(
        self,
        running: list[Job],
        waiting: list[Job],
        served: Mapping[str, datetime],
        speeds: Speeds,
    ) -> None:
        self.now = timezone.now()
        self.served = dict(served)
        self.waiting = waiting
        jobs = [*running, *waiting]
        kept = kept_stages(jobs)
        self.left = {job.pk: work_left(job, speeds, kept[job.pk]) for job in jobs}
        self.is_known = True  # whether the times can be said
        self.workers: list[tuple[float, int, Job | None]] = []
        for job in running:
            self.put_to_work(job, 0.0)
        if not running:
            self.workers.append((0.0, 0, None))

    def places(self) -> dict[uuid.UUID, tuple[int, float | None]]:
        found: dict[uuid.UUID, tuple[int, float | None]] = {}
        total = len(self.waiting)
        for _ in range(2 * MOST_ORDERED):
            if len(found) == total:
                break
            at, _, ended = heapq.heappop(self.workers)
            self.go_back(ended, at)
            job = self.take(at)
            if job.pk not in found:
                found[job.pk] = len(found) + 1, at if self.is_known else None
            self.put_to_work(job, at)
        return found

    def take(self, at: float) -> Job:
        """Takes the next waiting job, as `turns.next_job` would."""
        came: dict[str, datetime] = {}
        for job in self.waiting:
            came[job.turn] = min(job.queued, came.get(job.turn, job.queued))
        at_work = Counter(job.turn for _, _, job in self.workers if job)
        turn = min(came, key=lambda turn: place_of(turn, came, self.served, at_work))
        now = self.moment(at)
        job = min((job for job in self.waiting if job.turn == turn), key=lambda job: rank(job, now))
        self.waiting.remove(job)
        self.served[turn] = now
        return job

    def put_to_work(self, job: Job, at: float) -> None:
        """Lets a worker do this job until it is done, or its turn is over."""
        left, turn = self.left[job.pk], float(conf.JOB_TURN_SECONDS)
        if left is None:
            self.is_known = False
        until = at + min(turn if left is None else left, turn)
        heapq.heappush(self.workers, (until, id(job), job))

    def go_back(self, job: Job | None, at: float) -> None:
        """Lets a job whose turn is over wait for the next one, if work is left of it."""
        if job is None:
            return
        left = (self.left[job.pk] or 0.0) - conf.JOB_TURN_SECONDS
        self.left[job.pk] = left
        if left > 0:
            now = self.moment(at)
            self.served[job.turn] = now
            self.waiting.append(as_waiting(job, now))

    def moment(self, at: float) -> datetime:
        return self.now + timedelta(seconds=at)

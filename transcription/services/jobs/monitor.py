"""Keeps a running job's lease alive, and notices when the job is no longer wanted."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.db import Error as DatabaseError
from django.db import close_old_connections

from transcription.conf import conf
from transcription.engines.base import FETCHING, TRANSCRIBE, Chunk, EngineDied, Event, Output
from transcription.media.errors import Cancelled
from transcription.models import Job, Stage
from transcription.services.jobs import leases, progress
from transcription.services.scheduling import speeds, turns
from transcription.services.scheduling.speeds import Pace
from transcription.services.stages import chunks, outputs

logger = logging.getLogger(__name__)

JOB_POLL_SECONDS = 0.3  # seconds between checks whether the job is still wanted, and ours
REPORT_EVERY = 0.5  # seconds between reports of progress
SIGNS_A_LEASE = 6  # heartbeats per lease
LOADS_A_TURN = 10
"""A turn lasts at least so many times as long as its model took to load."""
NEARLY_DONE = 10.0
"""Seconds of transcription for which a job is not paused."""
SILENT_SHARE = 0.1
"""Seconds of work per second of audio that an engine may take before its first report."""


class JobMonitor:
    """Connects a running engine with the job's row.

    All in the worker's own thread: the engine's parent side asks `should_stop` several times a
    second.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stop = False
        self.looked = self.gave_sign = float("-inf")
        self.stage = ""
        self.reported = 0.0
        self.heard: float | None = None  # time of the engine's last report, once it works
        self.audio = 0.0  # seconds
        self.plan: Sequence[str] = ()  # what the engine is to do
        self.note = ""  # why another engine than the requested one is used
        self.kept: set[str] = set()  # the stages whose outputs are in the database
        self.chunks: list[Chunk] = []  # the newest, not kept yet
        self.kept_chunks = 0
        self.recipe = ""  # of these chunks
        self.turn_ends = time.monotonic() + conf.JOB_TURN_SECONDS
        self.loads_since: float | None = None
        self.asked_others = float("-inf")
        self.pace = Pace()

    def should_stop(self) -> bool:
        """Whether to stop: cancelled, deleted, or claimed by another worker. Extends the lease.

        Raises:
            EngineDied: The engine has reported nothing for too long.
        """
        now = time.monotonic()
        if not self.stop and now - self.looked > JOB_POLL_SECONDS:
            self.looked = now
            self.stop = not self.ask(self.look, now)
        if self.heard is not None and now - self.heard > self.patience:
            minutes = round(self.patience / 60)
            message = f"The speech engine reported nothing for {minutes} minutes, so it was ended."
            # A file that can't be read in this time will not be read on another try.
            raise EngineDied(message, final=self.stage in (Stage.PROBING, Stage.DECODING))
        return self.stop

    def should_pause(self) -> bool:
        """Whether the turn is over and another job is next."""
        now = time.monotonic()
        soon = now - self.asked_others < JOB_POLL_SECONDS
        if soon or now < self.turn_ends or self.stage != Stage.TRANSCRIBING or self.is_nearly_done:
            return False
        self.asked_others = now
        try:
            return turns.must_pause(self.job)
        except DatabaseError:
            logger.warning("the database doesn't answer; job %s continues", self.job.pk)
            close_old_connections()
            return False

    @property
    def is_nearly_done(self) -> bool:
        """Whether the rest is not worth another turn."""
        left = self.pace.left(self.audio)
        return left is not None and left < NEARLY_DONE

    def check_cancelled(self) -> None:
        """Called during our own work, without reports from an engine.

        Raises:
            Cancelled: The job is no longer wanted.
        """
        self.heard = None
        if self.should_stop():
            raise Cancelled

    def look(self, now: float) -> bool:
        """Whether the job is still wanted; sometimes sends a heartbeat."""
        if now - self.gave_sign < conf.JOB_LEASE_SECONDS / SIGNS_A_LEASE:
            return leases.should_continue(self.job)
        wanted = leases.heartbeat(self.job)
        self.gave_sign = now
        return wanted

    def listen(self) -> None:
        """From now on the engine works, and must report."""
        self.heard = time.monotonic()

    @property
    def patience(self) -> float:
        """Seconds without a report after which an engine counts as hanging."""
        return conf.ENGINE_STALL_SECONDS + SILENT_SHARE * self.audio

    def on_download(self, done: int, total: int | None) -> None:
        """A progress report of the model's download."""
        self.report(Stage.FETCHING, done, total)

    def on_event(self, event: Event) -> None:
        """A report from the engine."""
        self.heard = time.monotonic()
        if event.stage != FETCHING:  # FETCHING counts bytes
            self.audio = event.total or self.audio
        if event.media:
            self.ask(progress.report_media, self.job, event.media)
        self.measure_load(event.stage)
        self.chunks += event.chunks
        if self.chunks:
            self.ask(self.keep_chunks)
        self.pace.note(event.stage, event.done)
        self.report(event.stage, event.done, event.total)
        if event.output:
            self.ask(self.keep, event.output)
            self.ask(speeds.learn, event.output, *self.pace.covered)

    def keep(self, output: Output) -> None:
        """Keeps a stage's output, and for a transcription the reason why a fallback made it."""
        if output.stage not in self.kept:
            note = self.note if output.stage == TRANSCRIBE else ""
            whole = f"{note} {output.note}".strip()
            outputs.keep(self.job, replace(output, note=whole))
            self.kept.add(output.stage)

    def report(self, stage: str, done: float, total: float | None) -> None:
        """Writes progress at most every REPORT_EVERY seconds; a new stage and its end at once."""
        is_end = total is not None and done >= total
        is_soon = time.monotonic() - self.reported < REPORT_EVERY
        if stage == self.stage and is_soon and not is_end:
            return
        self.stage, self.reported = stage, time.monotonic()
        self.ask(progress.report, self.job, stage, done, total, self.plan, self.pace.speed)

    def measure_load(self, stage: str) -> None:
        """Prolongs the turn by the time that the model took to load."""
        now = time.monotonic()
        if stage == Stage.LOADING:
            self.loads_since = self.loads_since or now
        elif self.loads_since is not None:
            loaded, self.loads_since = now - self.loads_since, None
            self.turn_ends = max(self.turn_ends, now + LOADS_A_TURN * loaded)

    def keep_chunks(self) -> None:
        """Keeps the newest chunks; if that fails, the next call tries again."""
        chunks.keep(self.job, self.kept_chunks, self.chunks, self.recipe)
        self.kept_chunks += len(self.chunks)
        self.chunks = []

    def ask(self, question: Callable[..., bool | None], *facts: Any) -> bool:
        """Accesses the database; if it doesn't answer, the job continues."""
        try:
            return question(*facts) is not False
        except DatabaseError:
            logger.warning("the database doesn't answer; job %s continues", self.job.pk)
            close_old_connections()
            return True

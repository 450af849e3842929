"""What the queue runs for `transcription`: plain functions."""

import logging
import time
from typing import Any

from django.db import Error as DatabaseError
from django.db import close_old_connections

from transcription.conf import conf
from transcription.engines.base import Cancelled, EngineDied, EngineError, Event, Request
from transcription.engines.process import EngineProcess
from transcription.engines.selection import prepare
from transcription.models import Job, Stage
from transcription.services import claim, end, progress
from transcription.services.queue import nudge_for_all_waiting
from transcription.services.recording import Gone, local_path

logger = logging.getLogger(__name__)

MOST_ENGINE_DEATHS = 3
LOOK_EVERY = 0.5  # seconds between looks at whether the job is still wanted, and ours
REPORT_EVERY = 0.5  # seconds between reports of progress

_engine: EngineProcess | None = None


def engine_process() -> EngineProcess:
    """This worker's engine process, warm from job to job."""
    global _engine
    if _engine is None:
        _engine = EngineProcess(idle_seconds=conf.MODEL_IDLE_SECONDS)
    return _engine


def work() -> None:
    """Run the job that has waited longest, if any."""
    job = claim.claim_next()
    if job is not None:
        run(job)


def sweep() -> None:
    """Every minute: requeue what lost its worker, make good what the queue lost."""
    claim.free_leases_of_dead_workers()
    claim.free_expired_leases()
    nudge_for_all_waiting()


def run(job: Job) -> None:
    """Run a claimed job to its end; whatever happens, the row says what."""
    watch = Watch(job)
    try:
        request = request_of(job)
        prepared = prepare(
            request,
            conf.MODELS_DIR,
            watch.on_download,
            watch.should_stop,
            conf.MODEL_STALL_SECONDS,
        )
        progress.write(job, {"engine_used": prepared.request.engine, "engine_note": prepared.note})
        result = engine_process().run(prepared.request, watch.on_event, watch.should_stop)
    except Cancelled:
        end.confirm_cancel(job)
    except (EngineError, Gone) as reason:
        end.fail(job, str(reason))
    except EngineDied as death:
        after_engine_death(job, death)
    except BaseException as problem:
        # Also the worker's end by a signal or the queue's time limit: the job is free at once.
        claim.release(job, f"the worker stopped ({type(problem).__name__}: {problem}).")
        raise
    else:
        end.complete(
            job,
            result.segments,
            {
                "engine_used": result.engine,
                "model_used": result.model,
                "language_used": result.language or "",
                "audio_duration": result.duration,
                "warnings": result.warnings,
                "media_type": result.media.get("mime") or "",
                "has_video": bool(result.media.get("has_video")),
            },
        )


def after_engine_death(job: Job, death: EngineDied) -> None:
    """Try again, up to MOST_ENGINE_DEATHS: a recording that kills the engine must not do so for
    ever."""
    deaths = claim.count_engine_death(job)
    if deaths < MOST_ENGINE_DEATHS:
        claim.release(job, f"{death.message} (death {deaths} of {MOST_ENGINE_DEATHS})")
        return
    end.fail(job, f"The speech engine died {deaths} times on this recording. {death.message}")


def request_of(job: Job) -> Request:
    """What the engine needs to know."""
    return Request(
        media_path=local_path(job),
        engine=job.engine or conf.ENGINE,
        model=job.model or conf.WHISPER_MODEL,
        language=job.language or None,
        task=job.task,
        device=job.options.get("device") or conf.DEVICE,
        compute_type=job.options.get("compute_type") or conf.COMPUTE_TYPE,
        threads=job.options.get("threads") or conf.THREADS,
        options=job.options,
        work_dir=conf.WORK_DIR,
    )


class Watch:
    """Keeps a running job's row alive, and sees when it is no longer wanted.

    All in the worker's own thread: the engine's parent side asks `should_stop` several times a
    second.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.looked = 0.0
        self.reported = 0.0
        self.stage = ""
        self.stop = False

    def should_stop(self) -> bool:
        """Whether to stop: cancelled, deleted, or given to somebody else. Extends the lease."""
        if not self.stop and time.monotonic() - self.looked > LOOK_EVERY:
            self.looked = time.monotonic()
            try:
                self.stop = not claim.still_ours(self.job)
            except DatabaseError:
                logger.warning("the database does not answer; the job goes on", exc_info=True)
                close_old_connections()
        return self.stop

    def on_download(self, done: int, total: int | None) -> None:
        """The model is on its way."""
        self.report(Stage.FETCHING, done, total)

    def on_event(self, event: Event) -> None:
        """News from the engine."""
        if event.media:
            self.write(progress.report_media, event.media)
        self.report(event.stage, event.done, event.total)

    def report(self, stage: str, done: float, total: float | None) -> None:
        """Show progress, at a pace that a database likes; a new stage at once."""
        if stage == self.stage and time.monotonic() - self.reported < REPORT_EVERY:
            return
        self.stage, self.reported = stage, time.monotonic()
        self.write(progress.report, stage, done, total)

    def write(self, function: Any, *facts: Any) -> None:
        """Progress is for show: a database that is away does not end the job."""
        try:
            function(self.job, *facts)
        except DatabaseError:
            logger.warning("progress was not written", exc_info=True)
            close_old_connections()

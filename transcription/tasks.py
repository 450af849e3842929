"""What the queue runs for `transcription`: plain functions."""

import logging
import time
from contextlib import suppress

from django.db import DatabaseError, DataError, IntegrityError, NotSupportedError, ProgrammingError

from transcription.conf import conf
from transcription.engines.base import Cancelled, EngineDied, EngineError, Request, Result
from transcription.engines.process import EngineProcess
from transcription.engines.selection import prepare
from transcription.models import Job
from transcription.services import claim, end, progress, queue
from transcription.services.patience import insist
from transcription.services.recording import Gone, local_path
from transcription.services.submit import submit_unheard
from transcription.services.watch import Watch

logger = logging.getLogger(__name__)

MOST_ENGINE_DEATHS = 3
PAUSE_AFTER_DEATH = 1.0
"""Seconds before an engine's death is counted: whoever kills the site kills us as well by then,
and that is no death of the engine itself."""

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
    """Every minute: requeue what lost its worker, make good what the queue or a crash lost."""
    for step in (
        claim.free_leases_of_dead_workers,
        claim.free_expired_leases,
        submit_unheard,
        queue.nudge_for_all_waiting,
        queue.prune,
    ):
        try:
            step()
        except Exception:
            logger.exception("sweep: %s", step.__name__)  # the other steps go on


def run(job: Job) -> None:
    """Run a claimed job to its end; whatever happens, the row says what."""
    watch = Watch(job)
    try:
        result = transcribe(job, watch)
    except Cancelled:
        insist(claim.release, job, "it was stopped.")
    except (EngineError, Gone) as reason:
        insist(end.fail, job, str(reason))
    except EngineDied as death:
        after_engine_death(job, death, watch)
    except Exception as problem:
        # Trying again for ever would change nothing, and keep all other jobs waiting.
        logger.exception("job %s", job.pk)
        insist(end.fail, job, f"An internal error occurred: {type(problem).__name__}: {problem}")
    except BaseException as interruption:
        # The worker's end by a signal or by the queue's time limit: the job is free at once.
        with suppress(DatabaseError):
            claim.release(job, f"the worker was stopped ({type(interruption).__name__}).")
        raise
    else:
        keep(job, result)


def transcribe(job: Job, watch: Watch) -> Result:
    """Get the model, or the engine that stands in for it, and let it work."""
    prepared = prepare(
        request_of(job),
        conf.MODELS_DIR,
        watch.on_download,
        watch.should_stop,
        conf.MODEL_STALL_SECONDS,
    )
    facts = {"engine_used": prepared.request.engine, "engine_note": prepared.note}
    insist(progress.write, job, facts)
    watch.listen()
    return engine_process().run(prepared.request, watch.on_event, watch.should_stop)


def keep(job: Job, result: Result) -> None:
    """Keep the transcript; one that cannot be kept is a failure with its reason."""
    facts = {
        "engine_used": result.engine,
        "model_used": result.model,
        "language_used": result.language or "",
        "audio_duration": result.duration,
        "warnings": result.warnings,
        "media_type": result.media.get("mime") or "",
        "has_video": bool(result.media.get("has_video")),
    }
    try:
        insist(end.complete, job, result.segments, facts)
    except (DataError, IntegrityError, NotSupportedError, ProgrammingError) as problem:
        logger.exception("job %s", job.pk)
        insist(end.fail, job, f"The transcript could not be stored: {problem}")


def after_engine_death(job: Job, death: EngineDied, watch: Watch) -> None:
    """Try again, up to MOST_ENGINE_DEATHS: a recording that kills the engine must not do so for
    ever."""
    logger.warning("job %s: %s %s", job.pk, death.message, " ".join(death.stderr.split()))
    watch.heard = None
    deadline = time.monotonic() + PAUSE_AFTER_DEATH
    while time.monotonic() < deadline:
        if watch.should_stop():
            insist(claim.release, job, "it was stopped.")
            return
        time.sleep(0.1)
    deaths = insist(claim.count_engine_death, job)
    if deaths < MOST_ENGINE_DEATHS:
        insist(claim.release, job, f"{death.message} (death {deaths} of {MOST_ENGINE_DEATHS})")
        return
    reason = f"The speech engine died {deaths} times on this recording. {death.message}"
    insist(end.fail, job, reason)


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

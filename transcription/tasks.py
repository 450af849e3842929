"""What the queue runs for `transcription`: plain functions."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError

from transcription.conf import conf
from transcription.engines.base import TRANSCRIBE, EngineDied, Request, Result
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.engines.selection import prepare
from transcription.media.errors import Cancelled, FinalError
from transcription.models import Job, Stage, TaskType
from transcription.services import outlook
from transcription.services.db_retry import retry_on_db_error
from transcription.services.jobs import leases, progress, queue, transitions, turns
from transcription.services.jobs.monitor import Watch
from transcription.services.jobs.submit import submit_missed
from transcription.services.stages import live, outputs, requirements
from transcription.services.stages import plan as stages
from transcription.services.stages.finish import finish_job
from transcription.services.stages.recording import RecordingGone, local_path
from transcription.services.webhooks import outbox
from uploads.services.maintenance.store_identity import identity_problem

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
    """Run the job whose turn it is, if any; while the recordings are out of reach, all wait."""
    problem = identity_problem()
    if problem is not None:
        logger.warning("jobs wait: %s", problem)
        return
    job = leases.claim_next()
    if job is not None:
        run(job)


def combine() -> None:
    """Join the documents of the job whose turn it is among those that wait for that, if any."""
    job = leases.claim_next(task_type=TaskType.COMBINATION)
    if job is not None:
        run(job)


def deliver() -> None:
    """Send the messages to callback URLs that are due."""
    from transcription.services.webhooks.sender import (
        deliver_due,  # its HTTP client is of no use to jobs
    )

    deliver_due()


def look_ahead() -> None:
    """At a start: say in the log what recordings will become."""
    outlook.tell(outlook.look_ahead())


def sweep() -> None:
    """Every minute: requeue what lost its worker, make good what the queue or a crash lost."""
    for step in (
        leases.free_leases_of_dead_workers,
        leases.bring_back,
        leases.free_expired_leases,
        submit_missed,
        outbox.bring_back,
        queue.nudge_for_all_waiting,
        queue.prune,
        turns.forget_old_turns,
        live.forget,
        outlook.look_again,
    ):
        try:
            step()
        except Exception:
            logger.exception("sweep: %s", step.__name__)  # the other steps go on


def run(job: Job) -> None:
    """Run a claimed job to its end; whatever happens, the row says what."""
    watch = Watch(job)
    try:
        result = do_stages(job, watch)
    except Cancelled:
        retry_on_db_error(leases.release, job, "it was stopped.")
    except (FinalError, RecordingGone) as reason:
        finish(job, reason=str(reason))
    except EngineDied as death:
        after_engine_death(job, death, watch)
    except Exception as problem:
        # Trying again for ever would change nothing, and keep all other jobs waiting.
        logger.exception("job %s", job.pk)
        finish(job, reason=unforeseen(problem))
    except BaseException as interruption:
        # The worker's end by a signal or by the queue's time limit: the job is free at once.
        with suppress(DatabaseError):
            leases.release(job, f"the worker was stopped ({type(interruption).__name__}).")
        raise
    else:
        watch.report(Stage.COMBINING, 0.0, None)
        finish(job, result, go_on=watch.go_on)


def do_stages(job: Job, watch: Watch) -> Result | None:
    """Let the engine do what is still to do; None where nothing is."""
    kept = retry_on_db_error(outputs.by_stage_for, job)
    watch.plan = stages.remaining(job, kept)
    if not watch.plan:
        return None
    request = request_of(job, watch.plan, {stage: row.output for stage, row in kept.items()})
    if TRANSCRIBE in watch.plan:
        request = with_model(job, request, watch)
    watch.listen()
    result = engine_process().run(request, watch.on_event, watch.should_stop)
    for output in result.outputs.values():
        retry_on_db_error(watch.keep, output)  # those that the database was away for
    return result


def with_model(job: Job, request: Request, watch: Watch) -> Request:
    """The request with its model, or for the engine that stands in for it."""
    prepared = prepare(
        request, conf.MODELS_DIR, watch.on_download, watch.should_stop, conf.MODEL_STALL_SECONDS
    )
    chosen, watch.note = prepared.request.engine, prepared.note
    retry_on_db_error(progress.write, job, {"engine_used": chosen, "engine_note": prepared.note})
    watch.plan = stages.remaining(job, retry_on_db_error(outputs.by_stage_for, job), chosen)
    return replace(prepared.request, stages=watch.plan)


def finish(
    job: Job,
    result: Result | None = None,
    reason: str = "",
    go_on: Callable[[], None] = lambda: None,
) -> None:
    """End the job with what is kept of it; what cannot be kept is a failure with its reason."""
    failures, facts = {}, {}
    if result is not None:
        failures = result.failures
        facts = progress.media_facts(result.media) | {"audio_duration": result.duration}
    try:
        retry_on_db_error(finish_job, job, failures, facts, reason, go_on)
    except Cancelled:
        retry_on_db_error(leases.release, job, "it was stopped.")
    except (OperationalError, InterfaceError):
        raise  # the database was away for too long: once the lease is over the job runs again
    except Exception as problem:
        logger.exception("job %s", job.pk)
        retry_on_db_error(transitions.fail, job, reason or unforeseen(problem))


def unforeseen(problem: Exception) -> str:
    """A sentence about an error that nobody foresaw."""
    return f"An internal error occurred: {type(problem).__name__}: {problem}"


def after_engine_death(job: Job, death: EngineDied, watch: Watch) -> None:
    """Try again, up to MOST_ENGINE_DEATHS: a recording that kills the engine must not do so for
    ever."""
    logger.warning("job %s: %s", job.pk, death.message)
    for line in death.stderr.splitlines():
        logger.warning("job %s, last words of the engine: %s", job.pk, line)
    watch.heard = None
    deadline = time.monotonic() + PAUSE_AFTER_DEATH
    while time.monotonic() < deadline:
        if watch.should_stop():
            retry_on_db_error(leases.release, job, "it was stopped.")
            return
        time.sleep(0.1)
    if death.final:
        finish(job, reason=f"The recording could not be read. {death.message}")
        return
    deaths = retry_on_db_error(leases.count_engine_death, job)
    if deaths < MOST_ENGINE_DEATHS:
        retry_on_db_error(
            leases.release, job, f"{death.message} (death {deaths} of {MOST_ENGINE_DEATHS})"
        )
        return
    reason = f"The speech engine died {deaths} times on this recording. {death.message}"
    finish(job, reason=reason)


def request_of(job: Job, plan: Sequence[str], values: Mapping[str, Any]) -> Request:
    """What the engine needs to know."""
    return Request(
        media_path=local_path(job),
        engine=job.engine or conf.ENGINE,
        model=requirements.model_for(job.language, job.model),
        language=job.language or None,
        task=job.task,
        device=job.options.get("device") or conf.DEVICE,
        device_index=job.options.get("device_index") or 0,
        compute_type=job.options.get("compute_type") or conf.COMPUTE_TYPE,
        threads=job.options.get("threads") or conf.THREADS,
        options={"vad_method": conf.VAD_METHOD, **job.options},
        work_dir=conf.WORK_DIR,
        stages=plan,
        outputs=values,
        slots=conf.MAX_CONCURRENT_GPU_TASKS,
        slots_dir=conf.WORK_DIR,
        aligners=tuple(conf.ALIGN_MODELS),
        models_dir=conf.MODELS_DIR,
        stall=conf.MODEL_STALL_SECONDS,
        decoder_memory=conf.DECODER_MEMORY,
    )

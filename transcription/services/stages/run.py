"""Runs the stages of a claimed job in the engine process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from transcription.conf import conf
from transcription.engines.base import TRANSCRIBE, Paused, Request, Result
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.engines.selection import prepare
from transcription.models import Job, StageOutput
from transcription.services.db_retry import retry_on_db_error
from transcription.services.jobs import progress
from transcription.services.jobs.events import note
from transcription.services.jobs.monitor import JobMonitor
from transcription.services.stages import chunks, outputs, plan, requirements
from transcription.services.stages.recording import local_path

_engine: EngineProcess | None = None


def engine_process() -> EngineProcess:
    """This worker's engine process, kept warm between jobs."""
    global _engine
    if _engine is None:
        _engine = EngineProcess(idle_seconds=conf.MODEL_IDLE_SECONDS)
    return _engine


def run_stages(job: Job, kept: Mapping[str, StageOutput], monitor: JobMonitor) -> Result:
    """Lets the engine do the stages of `monitor.plan`; each output is stored as soon as it is
    ready.

    Args:
        job: As claimed.
        kept: Outputs of earlier runs, by stage.
        monitor: Updates the job's row meanwhile.

    Raises:
        Cancelled: The job is no longer wanted.
        FinalError, RecordingGone: It can't be done, now or ever.
        EngineDied: The engine's process has ended, or hangs.
        Paused: Others wait, and what was done so far is kept.
    """
    request = request_for(job, monitor.plan, {stage: row.output for stage, row in kept.items()})
    if TRANSCRIBE in monitor.plan:
        request = with_model(job, request, monitor)
        request = with_kept_chunks(job, request, monitor)
    monitor.listen()
    try:
        result = engine_process().run(
            request, monitor.on_event, monitor.should_stop, monitor.should_pause
        )
    except Paused:
        retry_on_db_error(monitor.keep_chunks)
        raise
    for output in result.outputs.values():
        retry_on_db_error(monitor.keep, output)  # those that the database did not store at the time
    return result


def request_for(job: Job, stages: Sequence[str], given: Mapping[str, Any]) -> Request:
    """The request for the engine.

    Args:
        job: As claimed.
        stages: What to do.
        given: The outputs of the finished stages, by stage.
    """
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
        stages=stages,
        outputs=given,
        slots=conf.MAX_CONCURRENT_GPU_TASKS,
        slots_dir=conf.WORK_DIR,
        aligners=tuple(conf.ALIGN_MODELS),
        models_dir=conf.MODELS_DIR,
        stall=conf.MODEL_STALL_SECONDS,
        decoder_memory=conf.DECODER_MEMORY,
        reader_stall=conf.ENGINE_STALL_SECONDS * 0.8,  # before the engine counts as hanging
    )


def with_model(job: Job, request: Request, monitor: JobMonitor) -> Request:
    """The request with its model downloaded, or for the fallback; the plan depends on the
    engine."""
    prepared = prepare(
        request, conf.MODELS_DIR, monitor.on_download, monitor.should_stop, conf.MODEL_STALL_SECONDS
    )
    chosen, monitor.note = prepared.request.engine, prepared.note
    retry_on_db_error(progress.write, job, {"engine_used": chosen, "engine_note": prepared.note})
    monitor.plan = plan.remaining(job, retry_on_db_error(outputs.by_stage_for, job), chosen)
    return replace(prepared.request, stages=monitor.plan)


def with_kept_chunks(job: Job, request: Request, monitor: JobMonitor) -> Request:
    """The request with the chunks that an earlier run has kept."""
    monitor.recipe = chunks.recipe_of(request)
    kept = retry_on_db_error(chunks.kept_for, job, monitor.recipe)
    monitor.kept_chunks = len(kept)
    if kept:
        note(job.pk, f"Goes on after {len(kept)} chunks ({kept[-1]['end']:.0f} s).")
    return replace(request, chunks=kept)

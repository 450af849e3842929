"""Jobs and uploads as the pages show them: one shape for templates and for the scripts' JSON."""

from typing import Any

from django.urls import reverse

from transcription.engines import registry
from transcription.engines.base import Capabilities
from transcription.formats import FORMATS
from transcription.models import Job, Stage, State, TaskType, Transcript
from transcription.services import outputs, stages
from transcription.services.again import can_run_again, has_media, kept_by_default
from transcription.vocabulary import LANGUAGES
from uploads.models import Upload


def job_row(job: Job) -> dict[str, Any]:
    """What a list shows of a job."""
    state = State.CANCELLED if job.cancel_requested and job.is_active else State(job.state)
    language = job.language_used or job.language
    return {
        "id": str(job.id),
        "filename": job.file_name or "Recording",
        "state": job.state,
        "state_label": "being cancelled" if state != job.state else state.label,
        "stage": job.stage,
        "stage_label": Stage(job.stage).label,
        "percent": None if job.state == State.QUEUED else round(job.percent),
        "created": job.created.isoformat(),
        "audio_duration": job.audio_duration,
        "language": language,
        "language_label": LANGUAGES.get(language, language),
        "engine": job.engine_used,
        "url": reverse("job", args=[job.id]),
    }


def job_details(job: Job) -> dict[str, Any]:
    """What a job's own page shows."""
    media, can_rerun = has_media(job), can_run_again(job)
    has_transcript = Transcript.objects.filter(job=job).exists()  # not loaded: it may be long
    engine = capabilities_of(job.engine_used)
    return {
        **job_row(job),
        "message": progress_message(job),
        "error": job.error,
        "warnings": job.warnings,
        "engine_label": engine.label if engine else job.engine_used,
        "engine_note": job.engine_note,
        "stood_in": job.stood_in,
        "model": "" if engine and not engine.needs_download else job.model_used or job.model,
        "language": job.language_used or job.language,
        "requested_language": job.language,
        "kind_label": "" if job.task_type == TaskType.FULL else job.get_task_type_display(),
        "started": job.started and job.started.isoformat(),
        "finished": job.finished and job.finished.isoformat(),
        "has_media": media,
        "media_url": reverse("uploads:upload", args=[job.upload.id.hex])
        if job.upload and media
        else "",
        "media_is_video": job.has_video,
        "can_cancel": job.is_active and not job.cancel_requested,
        "can_rerun": can_rerun,
        "rerun_keeps": kept_by_default(job) if can_rerun else "",
        "missing": missing(job) if can_rerun else "",
        "result_url": reverse("task", args=[job.id])
        if job.state in (State.COMPLETED, State.WARNINGS)
        else "",
        "can_delete": True,
        "segments_url": reverse("segments", args=[job.id]) if has_transcript else "",
        "exports": [
            {"kind": kind, "label": form.label, "url": reverse("export", args=[job.id, kind])}
            for kind, form in FORMATS.items()
        ]
        if has_transcript
        else [],
    }


def missing(job: Job) -> str:
    """In words, the stages that gave nothing to a transcript which is there all the same."""
    if job.state != State.WARNINGS:
        return ""
    return stages.names_of(stages.remaining(job, outputs.told(job)))


def capabilities_of(name: str) -> Capabilities | None:
    """What the engine of this name says of itself; None where there is none (any more)."""
    engine = registry.find(name)
    return engine.capabilities() if engine else None


def progress_message(job: Job) -> str:
    """How far a working job is, in the recording's own time."""
    if job.state != State.PROCESSING or not (job.seconds_done and job.audio_duration):
        return ""
    return f"{clock(job.seconds_done)} of {clock(job.audio_duration)}"


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def upload_row(upload: Upload) -> dict[str, Any]:
    """What the list shows of an unfinished upload."""
    return {
        "id": upload.id.hex,
        "filename": upload.file_name,
        "state": upload.state,
        "offset": upload.offset,
        "length": upload.length,
        "last_activity": upload.last_activity.isoformat(),
    }

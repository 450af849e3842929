"""Jobs and uploads as the pages show them: one shape for templates and for JSON."""

from typing import Any

from django.urls import reverse

from transcription.engines import registry
from transcription.engines.base import Capabilities
from transcription.formats import FORMATS
from transcription.languages import LANGUAGES
from transcription.models import Job, Stage, State, TaskType, Transcript
from transcription.services.jobs.progress import STAGE_OF, TIMED
from transcription.services.jobs.queries import CHANGE
from transcription.services.jobs.rerun import can_run_again, has_media, kept_by_default
from transcription.services.stages import outputs, plan
from uploads.models import Upload
from uploads.services.lookup import CHANGE as CHANGE_UPLOAD
from uploads.services.lookup import User, may


def job_row(job: Job) -> dict[str, Any]:
    state = State.CANCELLED if job.cancel_requested and job.is_active else State(job.state)
    language = job.language_used or job.language
    return {
        "id": str(job.id),
        "filename": job.file_name or "Recording",
        "state": job.state,
        "state_label": "being cancelled" if state != job.state else state.label,
        "stage": job.stage,
        "stage_label": Stage(job.stage).label,
        "percent": shown_percent(job),
        "created": job.created.isoformat(),
        "audio_duration": job.audio_duration,
        "language": language,
        "language_label": LANGUAGES.get(language, language),
        "engine": job.engine_used,
        "url": reverse("job", args=[job.id]),
    }


def job_details(job: Job, user: User) -> dict[str, Any]:
    may_change = may(user, CHANGE, job.owner_id)
    media, can_rerun = has_media(job), may_change and can_run_again(job)
    has_transcript = Transcript.objects.filter(job=job).exists()  # not loaded: it may be long
    fruitless = job.state in (State.FAILED, State.CANCELLED) and not has_transcript
    engine = capabilities_of(job.engine_used)
    return {
        **job_row(job),
        "message": progress_message(job),
        "error": job.error,
        "warnings": job.warnings,
        "engine_label": engine.label if engine else job.engine_used,
        "engine_note": "" if fruitless else job.engine_note,
        "used_fallback": job.used_fallback,
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
        # A recording that could not be transcribed can probably not be played either.
        "has_player": media and not (job.state == State.FAILED and fruitless),
        "can_cancel": may_change and job.is_active and not job.cancel_requested,
        "can_rerun": can_rerun,
        "rerun_keeps": kept_by_default(job) if can_rerun else "",
        "missing": missing(job) if can_rerun else "",
        "result_url": reverse("task", args=[job.id])
        if job.state in (State.COMPLETED, State.WARNINGS)
        else "",
        "can_delete": may_change,
        "segments_url": reverse("segments", args=[job.id]) if has_transcript else "",
        "exports": [
            {"kind": kind, "label": form.label, "url": reverse("export", args=[job.id, kind])}
            for kind, form in FORMATS.items()
        ]
        if has_transcript
        else [],
    }


def missing(job: Job) -> str:
    """The stages that failed although there is a transcript, in words."""
    if job.state != State.WARNINGS:
        return ""
    return plan.names_of(plan.remaining(job, outputs.without_output(job)))


def capabilities_of(name: str) -> Capabilities | None:
    """The capabilities of an engine; None if it doesn't exist (any more)."""
    engine = registry.find(name)
    return engine.capabilities() if engine else None


def shown_percent(job: Job) -> int | None:
    """The progress of the work on the audio; None before that."""
    is_waiting = job.state == State.QUEUED
    is_beginning = job.state == State.PROCESSING and not job.percent
    if is_waiting or (is_beginning and job.stage not in STAGE_OF):
        return None
    return int(job.percent)


def progress_message(job: Job) -> str:
    """The progress in minutes of audio; consistent with `shown_percent`."""
    total = job.seconds_total
    if job.state != State.PROCESSING or job.stage not in TIMED or not total:
        return ""
    is_read = job.stage == Stage.DECODING
    done = min(job.seconds_done, total) if is_read else total * job.percent / 100
    return f"{clock(done)} of {clock(total)}"


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def upload_row(upload: Upload, user: User) -> dict[str, Any]:
    """An unfinished upload, and whether this user may discard it."""
    return {
        "id": upload.id.hex,
        "filename": upload.file_name,
        "state": upload.state,
        "offset": upload.offset,
        "length": upload.length,
        "last_activity": upload.last_activity.isoformat(),
        "can_discard": may(user, CHANGE_UPLOAD, upload.owner_id),
    }

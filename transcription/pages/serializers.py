"""Jobs and uploads as the pages show them: one shape for templates and for JSON."""

from typing import Any

from django.urls import reverse

from transcription.engines import registry
from transcription.engines.base import Capabilities
from transcription.formats import FORMATS
from transcription.languages import LANGUAGES
from transcription.models import DONE, Job, Stage, State, TaskType, Transcript
from transcription.pages.progress import (
    progress_message,
    remaining_message,
    shown_percent,
    waiting_message,
)
from transcription.services.jobs.queries import CHANGE
from transcription.services.jobs.rerun import can_run_again, has_media, kept_by_default
from transcription.services.scheduling.estimates import Expectation, expectation_of
from transcription.services.stages import outputs, plan
from transcription.services.stages.partial import part_of
from uploads.models import Upload
from uploads.services.lookup import CHANGE as CHANGE_UPLOAD
from uploads.services.lookup import User, may

TRANSCRIBED = (TaskType.FULL, TaskType.TRANSCRIPTION)


def job_row(job: Job, expected: Expectation) -> dict[str, Any]:
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
        "waiting": waiting_message(job, expected),
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
    expected = expectation_of(job)
    return {
        **job_row(job, expected),
        "message": progress_message(job),
        "remaining": remaining_message(job, expected),
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
        "shows_partial": not has_transcript and is_partial(job),
        "segments_url": reverse("segments", args=[job.id]) if has_transcript else "",
        "exports": [
            {"kind": kind, "label": form.label, "url": reverse("export", args=[job.id, kind])}
            for kind, form in FORMATS.items()
        ]
        if has_transcript
        else [],
    }


def is_partial(job: Job) -> bool:
    """Whether it may have a part of its text: it is at work, or failed, or was cancelled."""
    return job.state not in DONE and job.task_type in TRANSCRIBED


def text_so_far(job: Job, after: float) -> dict[str, Any]:
    """The segments of a job without a transcript from a place on; see `Part`."""
    part = part_of(job, after)
    return {
        "segments": part.segments,
        "after": part.after,
        "next": part.next,
        "more": part.more,
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

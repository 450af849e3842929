"""A task as JSON: the response of GET `/task/<identifier>` and the body of webhooks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q
from pydantic import Field
from typing_extensions import TypedDict

from transcription.models import DONE, Job, Stage, State, TaskType, is_paused
from transcription.services.options.requested_options import told_language
from transcription.services.stages.results import result_of
from transcription.services.stages.shapes import Outcome

# Clients of the API know four states.
STATUS: Mapping[str, str] = {
    State.QUEUED: "queued",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.WARNINGS: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
}
Status = Annotated[str, Field(json_schema_extra={"enum": [*dict.fromkeys(STATUS.values())]})]
TaskTypeName = Annotated[str, Field(json_schema_extra={"enum": TaskType.values})]


class Metadata(TypedDict):
    """What was requested of a task, and when it ran."""

    task_type: TaskTypeName
    task_params: dict[str, Any] | None
    language: str | None
    file_name: str | None
    url: str | None
    callback_url: str | None
    duration: float | None
    audio_duration: float | None
    start_time: str | None
    end_time: str | None


class Result(TypedDict):
    """A task: its status and result."""

    status: Status
    result: Outcome | None
    metadata: Metadata
    error: str | None


def task_body(job: Job) -> Result:
    """Status, result, metadata and error; the identifier itself is not among them."""
    return {
        "status": status_of(job.state, job.stage),
        "result": result_of(job),
        "metadata": metadata_of(job),
        "error": error_of(job.state, job.error),
    }


def metadata_of(job: Job) -> Metadata:
    """The task's metadata; each key is always there."""
    return {
        "task_type": job.task_type,
        "task_params": job.params,
        "language": language_of(job.task_type, job.language),
        "file_name": job.file_name or None,
        "url": job.url or None,
        "callback_url": job.callback_url or None,
        "duration": duration_of(job.state, job.started, job.finished),
        "audio_duration": job.audio_duration,
        "start_time": start_of(job.state, job.stage, job.started),
        "end_time": end_of(job.state, job.finished),
    }


def language_of(task_type: str, language: str) -> str | None:
    """The requested language; `auto` if a transcription detects it."""
    if task_type in (TaskType.FULL, TaskType.TRANSCRIPTION):
        return told_language(language)
    return language or None


def status_of(state: str, stage: str) -> str:
    """The state as clients know it; a job that waits for its next turn has begun."""
    return STATUS[State.PROCESSING if is_paused(state, stage) else state]


def with_status(status: str) -> Q:
    """The jobs with this status; none for an unknown one."""
    states = [State(state) for state, known in STATUS.items() if known == status]
    paused = Q(state=State.QUEUED, stage=Stage.PAUSED)
    found = Q(state__in=states)
    if status == STATUS[State.PROCESSING]:
        return found | paused
    return found & ~paused


def error_of(state: str, error: str) -> str | None:
    """The reason of a failed job; empty for all others."""
    if state == State.CANCELLED:
        return "The job was cancelled."
    if state == State.FAILED:
        return error or "The job failed."
    return None


def start_of(state: str, stage: str, started: datetime | None) -> str | None:
    """When work began: with it, clients see that a job no longer waits."""
    return None if status_of(state, stage) == STATUS[State.QUEUED] else moment(started)


def end_of(state: str, finished: datetime | None) -> str | None:
    """When a job was completed; for other ends the API has no time."""
    return moment(finished) if state in DONE else None


def duration_of(state: str, started: datetime | None, finished: datetime | None) -> float | None:
    """Seconds of work of a completed job."""
    if state in DONE and started and finished:
        return (finished - started).total_seconds()
    return None


def moment(value: datetime | None) -> str | None:
    """A time in the API's format: ISO 8601 in UTC, with microseconds and offset."""
    return value.isoformat(timespec="microseconds") if value else None

"""Tasks as clients of the API know them."""

from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.api.errors import task_not_found
from transcription.api.results import result_of
from transcription.models import Job, State
from transcription.services.find import find, visible_to

# Clients of the API know four states.
STATUS = {
    State.QUEUED: "queued",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.WARNINGS: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
}


# What a row of the list is made of; nothing else of a job is read for it.
ROW = ("state", "task_type", "file_name", "audio_duration", "language", "error", "started")


def moment(value: datetime | None) -> str | None:
    """A time as the API tells it: ISO 8601 in UTC, with microseconds and offset."""
    return value.isoformat(timespec="microseconds") if value else None


def error_of(job: Job) -> str | None:
    """The plain reason of a job that failed."""
    if job.state == State.CANCELLED:
        return "The job was cancelled."
    return job.error or None


def end_of(job: Job) -> str | None:
    """When a job came to its transcript; the API knows no other end."""
    return moment(job.finished) if job.state in (State.COMPLETED, State.WARNINGS) else None


def start_of(job: Job) -> str | None:
    """When work began; clients know by it that a job no longer waits."""
    return None if job.state == State.QUEUED else moment(job.started)


def metadata_of(job: Job) -> dict[str, Any]:
    """What the detail tells besides status, result and error."""
    return {
        "task_type": job.task_type,
        "task_params": None,
        "language": job.language or None,
        "file_name": job.file_name or None,
        "url": None,
        "callback_url": None,
        "duration": job.duration,
        "audio_duration": job.audio_duration,
        "start_time": start_of(job),
        "end_time": end_of(job),
    }


def row_of(job: Job) -> dict[str, Any]:
    """What the list tells of a job."""
    return {
        "identifier": str(job.pk),
        "status": STATUS[State(job.state)],
        "task_type": job.task_type,
        "file_name": job.file_name or None,
        "url": None,
        "audio_duration": job.audio_duration,
        "language": job.language or None,
        "error": error_of(job),
        "duration": job.duration,
        "start_time": start_of(job),
        "end_time": end_of(job),
    }


class OneTask(ApiView):
    """GET `/task/<identifier>`."""

    def get(self, request: Request, identifier: str) -> Response:
        """Status, result and metadata; the identifier itself is not in the body."""
        job = find(identifier, request.user)
        if job is None:
            return task_not_found(identifier)
        response = Response(
            {
                "status": STATUS[State(job.state)],
                "result": result_of(job),
                "metadata": metadata_of(job),
                "error": error_of(job),
            }
        )
        return with_engine(response, job)


class AllTasks(ApiView):
    """GET `/task/all`."""

    def get(self, request: Request) -> Response:
        """All of one's tasks, oldest first."""
        jobs = visible_to(request.user).order_by("created", "pk").only(*ROW, "finished")
        return Response({"tasks": [row_of(job) for job in jobs]})


class Progress(ApiView):
    """GET `/tasks/<identifier>/progress`, with the keys of the contract and those its own web
    client reads."""

    def get(self, request: Request, identifier: str) -> Response:
        """How far the task is."""
        job = find(identifier, request.user)
        if job is None:
            return task_not_found(identifier)
        percent = int(job.percent)
        response = Response(
            {
                "identifier": str(job.pk),
                "status": STATUS[State(job.state)],
                "progress_percentage": percent,
                "progress_stage": job.stage,
                "error": error_of(job),
                "stage": job.stage,
                "percentage": percent,
                "message": job.engine_note or job.get_stage_display(),
                "engine": job.engine_used or None,
                "engine_note": job.engine_note or None,
            }
        )
        return with_engine(response, job)


def with_engine(response: Response, job: Job) -> Response:
    """Say which engine did it, plainly where another stood in."""
    if job.engine_used:
        stand_in = "; stand-in" if job.engine_note else ""
        response["X-Transcription-Engine"] = f"{job.engine_used}{stand_in}"
    return response

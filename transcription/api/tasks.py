"""One task: its progress, its result, and its deletion."""

from typing import TypeVar

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api import shapes
from transcription.api.base import ApiView
from transcription.api.errors import task_not_found
from transcription.api.schema.responses import Answer
from transcription.http.compression import compressed
from transcription.http.streaming import streamed_json
from transcription.models import DONE, Job, Stage, TaskType
from transcription.services.jobs import transitions
from transcription.services.jobs.queries import get_for_user
from transcription.services.webhooks.task_body import Result, error_of, status_of, task_body

R = TypeVar("R", bound=HttpResponseBase)

TASKS = "Tasks Management"
UNKNOWN = Answer("You have no task with this identifier.", shapes.DomainError)
# Clients of the API know five stages; ours are finer.
STAGE: dict[str, str] = {
    Stage.QUEUED: "queued",
    Stage.PAUSED: "transcribing",
    Stage.FETCHING: "transcribing",
    Stage.PROBING: "transcribing",
    Stage.DECODING: "transcribing",
    Stage.LOADING: "transcribing",
    Stage.TRANSCRIBING: "transcribing",
    Stage.ALIGNING: "aligning",
    Stage.DIARIZING: "diarizing",
    Stage.COMBINING: "diarizing",
    Stage.COMPLETE: "complete",
}
# the stage shown while a task without transcription prepares
FIRST_STAGE: dict[str, str] = {
    TaskType.ALIGNMENT: "aligning",
    TaskType.DIARIZATION: "diarizing",
    TaskType.COMBINATION: "diarizing",
}


class OneTask(ApiView):
    """One task, with its result.

    Poll it until `status` is `completed` or `failed`.
    """

    operation_id = "task"
    tag = TASKS
    answers = {200: Answer("The task.", Result), 404: UNKNOWN}

    def get(self, request: Request, identifier: str) -> HttpResponseBase:
        """Status, result and metadata; the identifier itself is not in the body."""
        job = get_for_user(identifier, request.user)
        if job is None:
            return task_not_found(identifier)
        body = task_body(job)
        if body["result"] is None:
            return with_engine(Response(body), job)
        return compressed(request._request, with_engine(streamed_json(body), job))


class DeleteTask(ApiView):
    """Delete a task, its result and its recording.

    In any state; a running task is stopped.
    """

    operation_id = "delete_task"
    tag = TASKS
    answers = {200: Answer("It was deleted.", shapes.Response), 404: UNKNOWN}

    def delete(self, request: Request, identifier: str) -> Response:
        """Removes the task, its result and its recording, in any state."""
        job = get_for_user(identifier, request.user, to_change=True)
        if job is None:
            return task_not_found(identifier)
        transitions.delete(job)
        body: shapes.Response = {"identifier": identifier, "message": "Task deleted"}
        return Response(body)


class Progress(ApiView):
    """A task's progress.

    Stages: queued, transcribing, aligning, diarizing, complete.
    """

    operation_id = "task_progress"
    tag = TASKS
    answers = {200: Answer("Stage and percentage.", shapes.TaskProgress), 404: UNKNOWN}

    def get(self, request: Request, identifier: str) -> Response:
        job = get_for_user(identifier, request.user)
        if job is None:
            return task_not_found(identifier)
        percent = 100 if job.state in DONE else int(job.percent)
        body: shapes.TaskProgress = {
            "identifier": str(job.pk),
            "status": status_of(job.state, job.stage),
            "progress_percentage": percent,
            "progress_stage": stage_of(job),
            "error": error_of(job.state, job.error),
            "stage": stage_of(job),
            "percentage": percent,
            "message": job.engine_note or job.get_stage_display(),
            "engine": job.engine_used or None,
            "engine_note": job.engine_note or None,
        }
        return with_engine(Response(body), job)


def stage_of(job: Job) -> str:
    """The stage as clients know it; for a failed job, the one in which it failed."""
    if job.state in DONE:
        return "complete"
    stage = STAGE[job.stage]
    return FIRST_STAGE.get(job.task_type, stage) if stage == "transcribing" else stage


def with_engine(response: R, job: Job) -> R:
    """Adds a header that names the engine, and says whether it was a fallback."""
    if job.engine_used:
        suffix = "; stand-in" if job.used_fallback else ""
        response["X-Transcription-Engine"] = f"{job.engine_used}{suffix}"
    return response

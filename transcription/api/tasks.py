"""One task: its progress, its text so far, its result, and its deletion."""

from typing import TypeVar

from django.http.response import HttpResponseBase
from pydantic import BaseModel, Field, FiniteFloat
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api import shapes
from transcription.api.base import ApiView
from transcription.api.errors import task_not_found
from transcription.api.forms.parameters import read_query
from transcription.api.schema.responses import Answer
from transcription.http.compression import compressed
from transcription.http.streaming import streamed_json
from transcription.models import DONE, Job, Stage, TaskType
from transcription.services.jobs import transitions
from transcription.services.jobs.queries import get_for_user
from transcription.services.scheduling.estimates import expectation_of
from transcription.services.stages.partial import Part, part_of
from transcription.services.stages.results import partial_segment
from transcription.services.webhooks.task_body import (
    Result,
    error_of,
    moment,
    status_of,
    task_body,
)

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
        percent = percent_of(job)
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
            **expected(job),
        }
        return with_engine(Response(body), job)


class PartialParameters(BaseModel):
    """The query of the text so far."""

    after: FiniteFloat = Field(
        0, ge=0, description="`next` of the response before: only what follows is sent."
    )


class Partial(ApiView):
    """A task's text so far.

    The segments that are transcribed already, without waiting for the rest; of an ended task, those
    of its transcription. Speakers and corrected word times only come with the task's result.
    """

    operation_id = "task_partial"
    tag = TASKS
    parameters = PartialParameters
    answers = {
        200: Answer("Progress, and segments from `after` on.", shapes.PartialTask),
        404: UNKNOWN,
        422: Answer("`after` is not a number of seconds.", shapes.HTTPValidationError),
    }

    def get(self, request: Request, identifier: str) -> HttpResponseBase:
        asked = read_query(PartialParameters, request)
        job = get_for_user(identifier, request.user)
        if job is None:
            return task_not_found(identifier)
        part = part_of(job, asked.after)
        body: shapes.PartialTask = {
            "identifier": str(job.pk),
            "status": status_of(job.state, job.stage),
            "error": error_of(job.state, job.error),
            "percentage": percent_of(job),
            "seconds_done": seconds_done(job, part),
            "seconds_total": seconds_total(job),
            **expected(job),
            "language": job.language_used or part.language or job.language or None,
            "segments": map(partial_segment, part.segments),
            "after": part.after,
            "next": part.next,
            "more": part.more,
        }
        return compressed(request._request, with_engine(streamed_json(body), job))


def percent_of(job: Job) -> int:
    return 100 if job.state in DONE else int(job.percent)


def seconds_total(job: Job) -> float | None:
    """Seconds of sound in the recording, once known."""
    return job.audio_duration if job.audio_duration is not None else job.seconds_total


def seconds_done(job: Job, part: Part) -> float:
    """Seconds of sound that were transcribed."""
    working = job.seconds_done if job.stage == Stage.TRANSCRIBING else 0.0
    return max(part.reached, working)


def expected(job: Job) -> shapes.Expectation:
    """What is expected of a job, by the API's names."""
    found = expectation_of(job)
    return {
        "position": found.position,
        "expected_start": moment(found.expected_start),
        "remaining_seconds": found.remaining,
    }


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

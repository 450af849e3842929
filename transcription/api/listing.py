"""The list of tasks: all at once, or in pages."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.api.forms.parameters import read_query
from transcription.api.schema.responses import Answer
from transcription.api.shapes import HTTPValidationError, TaskListResponse, TaskSummaryResponse
from transcription.api.tasks import TASKS
from transcription.services.jobs.queries import listed
from transcription.services.webhooks.task_body import (
    duration_of,
    end_of,
    error_of,
    language_of,
    start_of,
    status_of,
    with_status,
)

# The columns of a row; nothing else of a job is loaded.
COLUMNS = (
    *("pk", "state", "task_type", "file_name", "url", "audio_duration", "language", "error"),
    *("stage", "started", "finished"),
)


class ListParameters(BaseModel):
    """The query of the list."""

    q: str | None = Field(
        None, max_length=200, description="Only tasks with this in their file's name, any case."
    )
    status: str | None = Field(None, max_length=32, description="Only tasks with this status.")
    page: int = Field(1, ge=1, description="Which page, newest tasks first.")
    page_size: int = Field(50, ge=1, le=200, description="Tasks on a page.")

    @property
    def is_paged(self) -> bool:
        """Whether pages were requested; old clients expect the whole list."""
        return not self.model_fields_set.isdisjoint(("page", "page_size"))


class AllTasks(ApiView):
    """List tasks.

    All tasks, oldest first. With `page` or `page_size`: in pages, newest first, and counted.
    """

    operation_id = "all_tasks"
    tag = TASKS
    answers = {
        200: Answer("Tasks.", TaskListResponse),
        422: Answer("A parameter is out of range.", HTTPValidationError),
    }
    parameters = ListParameters

    def get(self, request: Request) -> Response:
        """The tasks that this user may see: oldest first, or in pages, newest first."""
        asked = read_query(ListParameters, request)
        jobs = listed(request.user, asked.q or "")
        if asked.status:
            jobs = jobs.filter(with_status(asked.status))
        if not asked.is_paged:
            whole: TaskListResponse = {"tasks": rows(jobs.values_list(*COLUMNS, named=True))}
            return Response(whole)
        total = jobs.count()
        first = (asked.page - 1) * asked.page_size
        newest = jobs.order_by("-created", "-pk").values_list(*COLUMNS, named=True)
        page = newest[first : first + asked.page_size] if first < total else ()
        body: TaskListResponse = {
            "tasks": rows(page),
            "total": total,
            "page": asked.page,
            "page_size": asked.page_size,
        }
        return Response(body)


def rows(jobs: Iterable[Any]) -> list[TaskSummaryResponse]:
    """The rows of the list; `jobs` have COLUMNS."""
    return [
        {
            "identifier": str(job.pk),
            "status": status_of(job.state, job.stage),
            "task_type": job.task_type,
            "file_name": job.file_name or None,
            "url": job.url or None,
            "audio_duration": job.audio_duration,
            "language": language_of(job.task_type, job.language),
            "error": error_of(job.state, job.error),
            "duration": duration_of(job.state, job.started, job.finished),
            "start_time": start_of(job.state, job.stage, job.started),
            "end_time": end_of(job.state, job.finished),
        }
        for job in jobs
    ]

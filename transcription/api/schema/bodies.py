"""The bodies of answers, described. Their names are those that clients' generators know."""

from typing import Any, Literal

from pydantic import Field

from transcription.api.schema.body import Body, OpenBody
from transcription.api.schema.outcomes import Alignment, SpeakerTranscript, Transcription, Turn

Status = Literal["queued", "processing", "completed", "failed"]
TaskTypeName = Literal[
    "full_process",
    "transcription",
    "transcription_alignment",
    "diarization",
    "combine_transcript&diarization",
]


class Response(Body):
    """A task's identifier, with a message."""

    identifier: str
    message: str


class StoredFile(Body):
    """A recording that was stored."""

    upload_id: str
    filename: str
    size_bytes: int = Field(ge=0)
    path: str


class ValidationError(OpenBody):
    """One fault of a request."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None
    ctx: dict[str, Any] = {}


class HTTPValidationError(Body):
    """All faults of a request."""

    detail: list[ValidationError]


class Detail(Body):
    """An error as text."""

    detail: str


class DomainFault(OpenBody):
    """What is wrong, with a word for programs; some have further keys."""

    message: str
    code: str
    correlation_id: str


class DomainError(Body):
    """An error with a code."""

    error: DomainFault


class Metadata(Body):
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


class Result(Body):
    """A task: its status and result."""

    status: Status
    result: Transcription | Alignment | list[Turn] | SpeakerTranscript | None
    metadata: Metadata
    error: str | None


class TaskSummaryResponse(Body):
    """A row of the list of tasks."""

    identifier: str
    status: Status
    task_type: TaskTypeName
    file_name: str | None
    url: str | None
    audio_duration: float | None
    language: str | None
    error: str | None
    duration: float | None
    start_time: str | None
    end_time: str | None


class TaskListResponse(Body):
    """Tasks; the counts only come with pages."""

    tasks: list[TaskSummaryResponse]
    total: int = 0
    page: int = 1
    page_size: int = 50


class TaskProgress(Body):
    """How far a task is; stage and percentage come by two names each."""

    identifier: str
    status: Status
    progress_percentage: int = Field(ge=0, le=100)
    progress_stage: str | None
    error: str | None
    stage: str | None
    percentage: int = Field(ge=0, le=100)
    message: str
    engine: str | None
    engine_note: str | None


class TaskEventReceived(Body):
    """What a receiver of callbacks may answer; nobody looks at it."""

    ok: bool


class Health(Body):
    """The service is up."""

    status: Literal["ok"]
    message: str


class Liveness(Health):
    """The process is alive."""

    timestamp: float


class Gpu(Body):
    """The limit of concurrent GPU tasks."""

    max_concurrent_tasks: int = Field(ge=1)


class Readiness(Body):
    """Whether requests can be served."""

    status: Literal["ok", "error"]
    database: Literal["connected", "disconnected"]
    gpu: Gpu
    message: str


class NotReady(Readiness):
    """The same, with the reason."""

    problem: str

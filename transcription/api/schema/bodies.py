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
    """What became of a request."""

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
    """What is wrong, in words."""

    detail: str


class DomainFault(OpenBody):
    """What is wrong, with a word for programs; some have further keys."""

    message: str
    code: str
    correlation_id: str


class DomainError(Body):
    """A refusal by the rules of the service."""

    error: DomainFault


class Metadata(Body):
    """What a task was asked to do, and when it did it."""

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
    """A task: where it stands and what came out."""

    status: Status
    result: Transcription | Alignment | list[Turn] | SpeakerTranscript | None
    metadata: Metadata
    error: str | None


class TaskSummaryResponse(Body):
    """A row of the list."""

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
    """Tasks; the counts come with pages alone."""

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
    """The service is there."""

    status: Literal["ok"]
    message: str


class Liveness(Health):
    """The process lives."""

    timestamp: float


class Gpu(Body):
    """What the device slots allow."""

    max_concurrent_tasks: int = Field(ge=1)


class Readiness(Body):
    """Whether requests can be served."""

    status: Literal["ok", "error"]
    database: Literal["connected", "disconnected"]
    gpu: Gpu
    message: str


class NotReady(Readiness):
    """The same, with the reason why they cannot."""

    problem: str

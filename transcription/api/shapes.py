"""The shapes of API responses, filled by views and shown in the API description.

Client generators use the names in the description.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from transcription.services.stages.shapes import PartialSegment
from transcription.services.webhooks.task_body import Status, TaskTypeName

Count = Annotated[int, Field(ge=0)]
Percent = Annotated[int, Field(ge=0, le=100)]
OPEN = with_config(ConfigDict(extra="allow"))


class Detail(TypedDict):
    """An error as text."""

    detail: str


@OPEN
class ValidationError(TypedDict):
    """One fault of a request."""

    type: str
    loc: list[str | int]
    msg: str
    input: NotRequired[Any]
    ctx: NotRequired[dict[str, Any]]


Fault = ValidationError  # another class in pydantic has the description's name


class HTTPValidationError(TypedDict):
    """All faults of a request."""

    detail: list[ValidationError]


@OPEN
class DomainFault(TypedDict):
    """An error with a word for programs; some have further keys."""

    message: str
    code: str
    correlation_id: str


class DomainError(TypedDict):
    """An error with a code."""

    error: DomainFault


class Response(TypedDict):
    """A task's identifier, with a message."""

    identifier: str
    message: str


class StoredFile(TypedDict):
    """A recording that was stored."""

    upload_id: str
    filename: str
    size_bytes: Count
    path: str


class TaskSummaryResponse(TypedDict):
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


class TaskListResponse(TypedDict):
    """Tasks; the counts only come with pages."""

    tasks: list[TaskSummaryResponse]
    total: NotRequired[int]
    page: NotRequired[int]
    page_size: NotRequired[int]


class Expectation(TypedDict):
    """What is expected of an active task, learned from earlier ones; null where it isn't known.

    `position` is 1 for the next task, `expected_start` also that of its next turn if it has begun.
    """

    position: int | None
    expected_start: str | None
    remaining_seconds: float | None


class TaskProgress(Expectation):
    """A task's progress; stage and percentage have two names each."""

    identifier: str
    status: Status
    progress_percentage: Percent
    progress_stage: str | None
    error: str | None
    stage: str | None
    percentage: Percent
    message: str
    engine: str | None
    engine_note: str | None


class PartialTask(Expectation):
    """A task and its text so far, in segments from the second `after` on.

    Ask again with `after` = `next`: at once if there is `more`, else after a while until the task
    has ended. If `after` is less than you asked for, transcription has begun anew: discard what you
    have from there.
    """

    identifier: str
    status: Status
    error: str | None
    percentage: Percent
    seconds_done: float
    seconds_total: float | None
    language: str | None
    segments: Iterable[PartialSegment]
    after: float
    next: float
    more: bool


class TaskEventReceived(TypedDict):
    """A callback receiver's response; its content is ignored."""

    ok: bool


class Health(TypedDict):
    """The service is up."""

    status: Literal["ok"]
    message: str


class Liveness(Health):
    """The process is alive."""

    timestamp: float


class Gpu(TypedDict):
    """The limit of concurrent GPU tasks."""

    max_concurrent_tasks: Annotated[int, Field(ge=1)]


class Readiness(TypedDict):
    """Whether requests can be served."""

    status: Literal["ok", "error"]
    database: Literal["connected", "disconnected"]
    gpu: Gpu
    message: str


class NotReady(Readiness):
    """The same, with the reason."""

    problem: str


class OpenAIFault(TypedDict):
    """The error itself, in OpenAI's shape."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(TypedDict):
    """An error in OpenAI's shape."""

    error: OpenAIFault


class OpenAIModel(TypedDict):
    """A model that requests may use."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAIModels(TypedDict):
    """The models that requests may use."""

    object: Literal["list"]
    data: list[OpenAIModel]


@OPEN
class OpenAITranscript(TypedDict):
    """`json`: the text; `verbose_json`: also language, duration, segments and words;
    `diarized_json`: duration, and segments with their speakers (A, B, …)."""

    text: str
    usage: dict[str, Any]
    task: NotRequired[Literal["transcribe", "translate"]]
    language: NotRequired[str]
    duration: NotRequired[Annotated[float, Field(ge=0)]]
    segments: NotRequired[list[dict[str, Any]]]
    words: NotRequired[list[dict[str, Any]]]

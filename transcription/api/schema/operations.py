"""Every operation of the API: what it is called, takes and answers."""

from collections.abc import Mapping

from rest_framework.views import APIView

from transcription.api import health, listing, speech, stages, stream, tasks
from transcription.api.schema.bodies import (
    Detail,
    DomainError,
    Health,
    HTTPValidationError,
    Liveness,
    NotReady,
    Readiness,
    Response,
    Result,
    StoredFile,
    TaskListResponse,
    TaskProgress,
)
from transcription.api.schema.openai_operations import OPENAI_OPERATIONS
from transcription.api.schema.operation import Answer, Operation, Schema
from transcription.api.submission import IntakeView

SPEECH, SERVICES = "Speech-2-Text", "Speech-2-Text services"
TASKS, UPLOADS, HEALTH = "Tasks Management", "Uploads", "Health"
MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
BINARY: Schema = {"type": "string", "format": "binary"}
FORMATS = (
    "Audio or video in any format that can be decoded here; the file's name has its extension."
)

UNKNOWN_TASK = Answer("No task of yours has this identifier.", [DomainError])
QUEUED: Mapping[int, Answer] = {
    200: Answer("The task waits for its turn.", [Response]),
    400: Answer(
        "The form cannot be read, a file has an extension that is not taken, there is no sound in "
        "the recording, or the callback does not answer.",
        [Detail, DomainError],
    ),
    408: Answer("The body stopped coming.", [Detail]),
    411: Answer("This web server has to know the length of the body.", [Detail]),
    413: Answer("The file is larger than this site takes.", [Detail]),
    422: Answer(
        "Parameters, parts or documents are not as they have to be, or an address is not allowed.",
        [HTTPValidationError, Detail, DomainError],
    ),
    429: Answer("Too many recordings of yours wait to be read.", [Detail]),
    503: Answer("Something that is needed is away, or a download failed.", [Detail, DomainError]),
    507: Answer("The disk is too full.", [Detail]),
}


def form_of(view: type[IntakeView]) -> Mapping[str, Schema]:  # type: ignore[type-arg]
    """The form of a route that takes files, as the view itself declares it."""
    parts = {
        name: {
            **BINARY,
            "description": "A JSON file." if name in view.documents else FORMATS,
        }
        for name in view.parts
    }
    return {MULTIPART: {"type": "object", "required": list(parts), "properties": parts}}


def intake(
    view: type[IntakeView],  # type: ignore[type-arg]
    name: str,
    summary: str,
    description: str,
    tag: str = SERVICES,
) -> Operation:
    """What all routes that make a task have in common."""
    return Operation(
        name, tag, summary, description, QUEUED, view.parameters, form_of(view), changes=True
    )


URL_FORM: Schema = {
    "type": "object",
    "required": ["url"],
    "properties": {"url": {"type": "string", "description": "Where the recording is."}},
}
STREAM_FORM: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {**BINARY, "description": FORMATS},
        "filename": {"type": "string", "description": "Its name, where it is not the part's own."},
    },
}

OPERATIONS: Mapping[tuple[type[APIView], str], Operation] = {
    (speech.SpeechToText, "POST"): intake(
        speech.SpeechToText,
        "speech_to_text",
        "Transcribe a recording, with words and speakers",
        "Options are read from the query alone.",
        SPEECH,
    ),
    (speech.SpeechToTextUrl, "POST"): Operation(
        "speech_to_text_url",
        SPEECH,
        "Transcribe a recording that lies elsewhere",
        "The recording is downloaded while the request waits. Options are read from the query "
        "alone.",
        QUEUED,
        speech.SpeechToTextUrl.parameters,
        {URLENCODED: URL_FORM, MULTIPART: URL_FORM},
        callback=True,
        changes=True,
    ),
    (stages.Transcribe, "POST"): intake(
        stages.Transcribe, "transcribe", "Transcribe alone", "Segments without words and speakers."
    ),
    (stages.Align, "POST"): intake(
        stages.Align,
        "align",
        "Find the times of a transcript's words",
        "The transcript is what `transcription` gives: `segments` and `language`.",
    ),
    (stages.Diarize, "POST"): intake(
        stages.Diarize, "diarize", "Tell speakers apart", "The result is a list of turns."
    ),
    (stages.Combine, "POST"): intake(
        stages.Combine,
        "combine",
        "Join words and speakers",
        "Takes the results of an alignment and of a diarization.",
    ),
    (stream.UploadStream, "POST"): Operation(
        "upload_stream",
        UPLOADS,
        "Store a recording",
        "Nothing is done with it yet.",
        {
            **{status: QUEUED[status] for status in (408, 411, 413, 503, 507)},
            200: Answer("It is stored.", [StoredFile]),
            400: Answer("The form cannot be read, or the file is no recording.", [Detail]),
        },
        form={MULTIPART: STREAM_FORM},
        changes=True,
    ),
    (listing.AllTasks, "GET"): Operation(
        "all_tasks",
        TASKS,
        "List tasks",
        "All of them, the oldest first. With `page` or `page_size`: page by page, the newest "
        "first, and counted.",
        {
            200: Answer("Tasks.", [TaskListResponse]),
            422: Answer("A parameter is out of range.", [HTTPValidationError]),
        },
        listing.ListParameters,
    ),
    (tasks.OneTask, "GET"): Operation(
        "task",
        TASKS,
        "One task, with its result",
        "Ask again until `status` is `completed` or `failed`.",
        {200: Answer("The task.", [Result]), 404: UNKNOWN_TASK},
    ),
    (tasks.DeleteTask, "DELETE"): Operation(
        "delete_task",
        TASKS,
        "Delete a task, its result and its recording",
        "Whatever state it is in; one that is being worked on ends.",
        {200: Answer("It is gone.", [Response]), 404: UNKNOWN_TASK},
        changes=True,
    ),
    (tasks.Progress, "GET"): Operation(
        "task_progress",
        TASKS,
        "How far a task is",
        "Stages: queued, transcribing, aligning, diarizing, complete.",
        {200: Answer("Stage and percentage.", [TaskProgress]), 404: UNKNOWN_TASK},
    ),
    (health.Health, "GET"): Operation(
        "health",
        HEALTH,
        "The service is there",
        "Open to everybody.",
        {200: Answer("It is.", [Health])},
        is_open=True,
    ),
    (health.Live, "GET"): Operation(
        "health_live",
        HEALTH,
        "The process lives",
        "Open to everybody.",
        {200: Answer("It does.", [Liveness])},
        is_open=True,
    ),
    (health.Ready, "GET"): Operation(
        "health_ready",
        HEALTH,
        "Requests can be served",
        "Open to everybody. Looks whether the database answers, and whether the store of uploads "
        "is there, belongs to it, and takes writes. A full disk is told to each upload (507).",
        {
            200: Answer("They can.", [Readiness]),
            503: Answer("They cannot, and why.", [NotReady]),
        },
        is_open=True,
    ),
    **OPENAI_OPERATIONS,
}


def operation_of(view: type[APIView], method: str) -> Operation:
    """What the document says of a method of a view.

    Raises:
        LookupError: It isn't described yet.
    """
    found = OPERATIONS.get((view, method))
    if found is None:
        raise LookupError(f"{method} of {view.__name__} is not described in {__name__}.")
    return found

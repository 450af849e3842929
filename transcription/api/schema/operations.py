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
FORMATS = "Audio or video in any supported format; the file name needs its extension."

UNKNOWN_TASK = Answer("You have no task with this identifier.", [DomainError])
QUEUED: Mapping[int, Answer] = {
    200: Answer("The task is queued.", [Response]),
    400: Answer(
        "The form is malformed, a file extension is not accepted, the recording has no audio, "
        "or the callback URL doesn't answer.",
        [Detail, DomainError],
    ),
    408: Answer("The body was not received in time.", [Detail]),
    411: Answer("This web server needs a Content-Length.", [Detail]),
    413: Answer("The file is larger than this site accepts.", [Detail]),
    422: Answer(
        "Parameters, parts or documents are invalid, or a URL is not allowed.",
        [HTTPValidationError, Detail, DomainError],
    ),
    429: Answer("Too many of your recordings are waiting to be read.", [Detail]),
    503: Answer(
        "The database or the upload store doesn't answer, or a download failed.",
        [Detail, DomainError],
    ),
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
    """Shared by all routes that create a task."""
    return Operation(
        name, tag, summary, description, QUEUED, view.parameters, form_of(view), changes=True
    )


URL_FORM: Schema = {
    "type": "object",
    "required": ["url"],
    "properties": {"url": {"type": "string", "description": "The recording's URL."}},
}
STREAM_FORM: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {**BINARY, "description": FORMATS},
        "filename": {"type": "string", "description": "Its name, if different from the part's."},
    },
}

OPERATIONS: Mapping[tuple[type[APIView], str], Operation] = {
    (speech.SpeechToText, "POST"): intake(
        speech.SpeechToText,
        "speech_to_text",
        "Transcribe a recording, with words and speakers",
        "Options are only read from the query.",
        SPEECH,
    ),
    (speech.SpeechToTextUrl, "POST"): Operation(
        "speech_to_text_url",
        SPEECH,
        "Transcribe a recording from a URL",
        "The recording is downloaded while the request waits. Options are read from the query "
        "alone.",
        QUEUED,
        speech.SpeechToTextUrl.parameters,
        {URLENCODED: URL_FORM, MULTIPART: URL_FORM},
        callback=True,
        changes=True,
    ),
    (stages.Transcribe, "POST"): intake(
        stages.Transcribe, "transcribe", "Only transcribe", "Segments without words and speakers."
    ),
    (stages.Align, "POST"): intake(
        stages.Align,
        "align",
        "Align a transcript's words",
        "The transcript is the result of `transcription`: `segments` and `language`.",
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
        "It is not transcribed yet.",
        {
            **{status: QUEUED[status] for status in (408, 411, 413, 503, 507)},
            200: Answer("It is stored.", [StoredFile]),
            400: Answer("The form is malformed, or the file isn't a recording.", [Detail]),
        },
        form={MULTIPART: STREAM_FORM},
        changes=True,
    ),
    (listing.AllTasks, "GET"): Operation(
        "all_tasks",
        TASKS,
        "List tasks",
        "All tasks, oldest first. With `page` or `page_size`: in pages, newest first, and counted.",
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
        "Poll it until `status` is `completed` or `failed`.",
        {200: Answer("The task.", [Result]), 404: UNKNOWN_TASK},
    ),
    (tasks.DeleteTask, "DELETE"): Operation(
        "delete_task",
        TASKS,
        "Delete a task, its result and its recording",
        "In any state; a running task is stopped.",
        {200: Answer("It was deleted.", [Response]), 404: UNKNOWN_TASK},
        changes=True,
    ),
    (tasks.Progress, "GET"): Operation(
        "task_progress",
        TASKS,
        "A task's progress",
        "Stages: queued, transcribing, aligning, diarizing, complete.",
        {200: Answer("Stage and percentage.", [TaskProgress]), 404: UNKNOWN_TASK},
    ),
    (health.Health, "GET"): Operation(
        "health",
        HEALTH,
        "The service is up",
        "Open to everybody.",
        {200: Answer("It is up.", [Health])},
        is_open=True,
    ),
    (health.Live, "GET"): Operation(
        "health_live",
        HEALTH,
        "The process is alive",
        "Open to everybody.",
        {200: Answer("It is alive.", [Liveness])},
        is_open=True,
    ),
    (health.Ready, "GET"): Operation(
        "health_ready",
        HEALTH,
        "Ready to serve requests",
        "No login needed. Checks that the database answers, and that the upload store "
        "is available, belongs to it, and is writable. A full disk only refuses uploads (507).",
        {
            200: Answer("It is ready.", [Readiness]),
            503: Answer("It isn't ready, and why.", [NotReady]),
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

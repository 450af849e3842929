"""The OpenAI-compatible operations, as the document describes them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field
from rest_framework.views import APIView

from transcription.api.openai import views
from transcription.api.openai.form import DIARIZED, GRANULARITIES, RESPONSE_FORMATS
from transcription.api.schema.body import Body, OpenBody
from transcription.api.schema.operation import Answer, Operation, Schema

TAG = "OpenAI-compatible"
PLAIN, EVENTS = "text/plain", "text/event-stream"


class OpenAIFault(Body):
    """The error itself, in OpenAI's shape."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(Body):
    """An error in OpenAI's shape."""

    error: OpenAIFault


class OpenAIModel(Body):
    """A model that requests may use."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAIModels(Body):
    """The models that requests may use."""

    object: Literal["list"]
    data: list[OpenAIModel]


class OpenAITranscript(OpenBody):
    """`json`: the text; `verbose_json`: also language, duration, segments and words;
    `diarized_json`: duration, and segments with their speakers (A, B, …)."""

    text: str
    usage: dict[str, Any]
    task: Literal["transcribe", "translate"] = "transcribe"
    language: str = ""
    duration: float = Field(0, ge=0)
    segments: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []


MODEL = (
    "A name of `/v1/models`, or as hubs and services call it (`whisper-large-v3`, "
    "`Systran/faster-whisper-small`). Any other, such as `whisper-1` or `gpt-4o-transcribe`, "
    "means this site's default model. The header `X-Transcription-Model` says which was used."
)
TRANSLATED = [name for name in RESPONSE_FORMATS if name != DIARIZED]
STREAM = (
    "Send events (`text/event-stream`) during transcription: `transcript.text.delta`, "
    f"for `{DIARIZED}` at the end `transcript.text.segment`, then `transcript.text.done`; `error` "
    "on failure. Comments keep the connection alive; OPENAI_TIMEOUT doesn't apply."
)
FIELDS: Mapping[str, Schema] = {
    "file": {"type": "string", "format": "binary", "description": "The recording."},
    "model": {"type": "string", "description": MODEL},
    "prompt": {"type": "string", "description": "Text that precedes the recording."},
    "response_format": {"type": "string", "enum": TRANSLATED, "default": "json"},
    "temperature": {"type": "number", "minimum": 0, "maximum": 1, "default": 0},
    "audio_track": {
        "type": "integer",
        "minimum": 1,
        "description": "The audio track to read (1, 2, …); an extension of OpenAI's API.",
    },
}
HEARD: Mapping[str, Schema] = {
    "language": {"type": "string", "description": "ISO-639-1 code; detected if absent."},
    "response_format": {"type": "string", "enum": list(RESPONSE_FORMATS), "default": "json"},
    "stream": {"type": "boolean", "default": False, "description": STREAM},
    "timestamp_granularities[]": {
        "type": "array",
        "items": {"type": "string", "enum": list(GRANULARITIES)},
        "description": "For `verbose_json`: the parts with timestamps.",
    },
}
REFUSALS: Mapping[int, str] = {
    400: "A field or the recording is invalid.",
    408: "The body was not received in time.",
    409: "The job was cancelled.",
    411: "This web server needs a Content-Length.",
    413: "The file is larger than this site accepts.",
    500: "The job failed; the message says why.",
    429: "Too many of your recordings are waiting to be read; try again later.",
    503: "The database or the upload store doesn't answer; try again later.",
    504: "The transcript was not ready in time (OPENAI_TIMEOUT).",
    507: "The disk is too full.",
}


def audio(name: str, summary: str, fields: Mapping[str, Schema], *kinds: str) -> Operation:
    """A route that returns a transcript."""
    form: Schema = {"type": "object", "required": ["file", "model"], "properties": dict(fields)}
    answers = {status: Answer(said, [OpenAIError]) for status, said in REFUSALS.items()}
    answers[200] = Answer("The transcript.", [OpenAITranscript, PLAIN, *kinds])
    return Operation(
        name,
        TAG,
        summary,
        "Compatible with OpenAI's route. The request waits for the transcript; its job is "
        "cancelled after OPENAI_TIMEOUT.",
        answers,
        form={"multipart/form-data": form},
        changes=True,
        fault=FAULT,
    )


FAULT: Sequence[type[Body]] = (OpenAIError,)
OPENAI_OPERATIONS: Mapping[tuple[type[APIView], str], Operation] = {
    (views.Models, "GET"): Operation(
        "openai_models",
        TAG,
        "Models that a request may name",
        "OpenAI's own names, such as `whisper-1`, mean this site's default model.",
        {200: Answer("The models.", [OpenAIModels])},
        fault=FAULT,
    ),
    (views.OneModel, "GET"): Operation(
        "openai_model",
        TAG,
        "One model",
        "Whether requests may use it.",
        {
            200: Answer("Requests may use it.", [OpenAIModel]),
            404: Answer("There is no such model.", [OpenAIError]),
        },
        fault=FAULT,
    ),
    (views.Transcriptions, "POST"): audio(
        "openai_transcription",
        "Transcribe a recording and wait",
        {**FIELDS, **HEARD},
        EVENTS,
    ),
    (views.Translations, "POST"): audio(
        "openai_translation", "Translate a recording into English and wait", FIELDS
    ),
}

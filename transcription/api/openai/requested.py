"""The requests of OpenAI's audio routes: their description, and their conversion to a job."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from transcription.api.openai.models import OF_OPENAI
from transcription.api.schema.responses import Schema, file, form
from transcription.conf import conf
from transcription.engines import registry
from transcription.models import TaskType
from transcription.services.jobs.submit import JobSpec
from transcription.services.options.default_language import default_language
from transcription.services.options.parameters import FullParameters, TranscribeParameters
from transcription.services.options.requested_options import told_params

DIARIZED = "diarized_json"
TRANSLATED_FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
RESPONSE_FORMATS = (*TRANSLATED_FORMATS, DIARIZED)
GRANULARITIES = ("segment", "word")
MODEL = (
    "A name of `/v1/models`, or as hubs and services call it (`whisper-large-v3`, "
    "`Systran/faster-whisper-small`). Any other, such as "
    f"`{OF_OPENAI[0]}` or `{OF_OPENAI[1]}`, "
    "means this site's default model. The header `X-Transcription-Model` says which was used."
)
STREAM = (
    "Send events (`text/event-stream`) during transcription: `transcript.text.delta`, "
    f"for `{DIARIZED}` at the end `transcript.text.segment`, then `transcript.text.done`; `error` "
    "on failure. Comments keep the connection alive; OPENAI_TIMEOUT doesn't apply."
)
TRACK = "The audio track to read (1, 2, …); an extension of OpenAI's API."


class TranslationRequest(BaseModel):
    """The fields of both routes, by our names of models and languages."""

    model_config = ConfigDict(frozen=True)

    model: str = Field(description=MODEL)
    prompt: str = Field("", description="Text that precedes the recording.")
    response_format: str = Field("json", json_schema_extra={"enum": list(TRANSLATED_FORMATS)})
    temperature: float = Field(0.0, ge=0, le=1)
    audio_track: Annotated[int | None, WithJsonSchema({"type": "integer", "minimum": 1})] = Field(
        None, description=TRACK
    )


class TranscriptionRequest(TranslationRequest):
    """A validated request."""

    language: str = Field("", description="ISO-639-1 code; detected if absent.")
    response_format: str = Field("json", json_schema_extra={"enum": list(RESPONSE_FORMATS)})
    streams: bool = Field(False, serialization_alias="stream", description=STREAM)
    granularities: Annotated[
        frozenset[str],
        WithJsonSchema({"type": "array", "items": {"type": "string", "enum": [*GRANULARITIES]}}),
    ] = Field(
        default_factory=lambda: frozenset(("segment",)),
        serialization_alias="timestamp_granularities[]",
        description="For `verbose_json`: the parts with timestamps.",
    )

    @property
    def is_diarized(self) -> bool:
        """Whether the format needs speakers."""
        return self.response_format == DIARIZED

    def spec(self, task: str, file_name: str, duration: float) -> JobSpec:
        """The request as a JobSpec.

        Args:
            task: `transcribe` or `translate`.
            file_name: The client's name for the recording.
            duration: The recording's, in seconds.
        """
        options: dict[str, Any] = {}
        if self.prompt:
            options["initial_prompt"] = self.prompt
        if self.temperature:
            options["temperatures"] = self.temperature
        if self.audio_track:
            options["audio_track"] = self.audio_track
        if self.response_format == "verbose_json":
            options["details"] = True
        wanted = {
            "model": self.model,
            "language": self.language or default_language(file_name),
            "task": task,
        }
        whole_way = self.is_diarized or self.needs_alignment
        parameters = (FullParameters if whole_way else TranscribeParameters)(**options)
        params = told_params(parameters, wanted)
        if whole_way:
            options["diarize"] = params["diarize"] = self.is_diarized
        return JobSpec(
            task_type=TaskType.FULL if whole_way else TaskType.TRANSCRIPTION,
            model=wanted["model"],
            language=wanted["language"],
            task=task,
            options=options,
            params=params,
            file_name=file_name,
            audio_duration=duration,
        )

    @property
    def needs_alignment(self) -> bool:
        """Whether words need times that the engine does not produce itself."""
        brought = registry.get(conf.ENGINE).capabilities().words
        return "word" in self.granularities and not brought


def form_of(request: type[TranslationRequest]) -> Schema:
    """The form of a route that takes such requests."""
    fields = request.model_json_schema(mode="serialization")["properties"]
    for field in fields.values():
        del field["title"]
        if field.get("default", "") in ("", None):
            field.pop("default", None)
    return form(["file", "model"], file=file("The recording."), **fields)

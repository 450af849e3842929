"""The form fields of OpenAI's audio routes."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from transcription.api.forms.multipart import Form
from transcription.api.forms.parts import MediaPart
from transcription.api.openai.errors import refuse
from transcription.api.openai.models import resolved
from transcription.conf import conf
from transcription.engines import registry
from transcription.engines.base import LIVE
from transcription.languages import LANGUAGES
from transcription.models import TaskType
from transcription.services.jobs.submit import JobSpec
from transcription.services.options.default_language import default_language
from transcription.services.options.parameters import FullParameters, TranscribeParameters
from transcription.services.options.requested_options import told_params
from transcription.services.sanitize import clean_text

DIARIZED = "diarized_json"
RESPONSE_FORMATS = ("json", "text", "srt", "verbose_json", "vtt", DIARIZED)
STREAMED_FORMATS = ("json", "text", DIARIZED)
"""Those whose content the events of a stream have."""
KNOWN_SPEAKERS = ("known_speaker_names", "known_speaker_references")
GRANULARITIES = ("segment", "word")
CODES = {name.lower(): code for code, name in LANGUAGES.items()} | {
    code: code for code in LANGUAGES
}


@dataclass(frozen=True)
class TranscriptionRequest:
    """A validated request.

    Attributes:
        model: A name of ours.
        language: A code; empty: to be detected.
        prompt: Text that the recording continues.
        temperature: Of the sampling; 0: the engine raises it itself where that is needed.
        response_format: One of RESPONSE_FORMATS.
        granularities: Some of GRANULARITIES.
        streams: Whether the client reads along.
        audio_track: The one to read, from 1 on, which OpenAI's own service does not offer; None:
            the file's main one.
    """

    model: str
    language: str = ""
    prompt: str = ""
    temperature: float = 0.0
    response_format: str = "json"
    granularities: frozenset[str] = field(default_factory=lambda: frozenset(("segment",)))
    streams: bool = False
    audio_track: int | None = None

    @property
    def is_diarized(self) -> bool:
        """Whether the format needs speakers."""
        return self.response_format == DIARIZED

    def wish(self, task: str, file_name: str, duration: float) -> JobSpec:
        """What is wanted of the job.

        Args:
            task: `transcribe` or `translate`.
            file_name: The client's name for the recording.
            duration: Of the recording, in seconds.
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
        if self.streams:
            options[LIVE] = True
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
        """Whether words need times that the engine does not bring itself."""
        brought = registry.get(conf.ENGINE).capabilities().words
        return "word" in self.granularities and not brought


def read_asked(form: Form, task: str) -> TranscriptionRequest:
    """Validates the fields of a form.

    Raises:
        ApiError: A field is invalid.
    """
    listens = task == "transcribe"
    formats = (
        RESPONSE_FORMATS if listens else tuple(one for one in RESPONSE_FORMATS if one != DIARIZED)
    )
    response_format = one_of(form, "response_format", formats) or "json"
    refuse_known_speakers(form)
    return TranscriptionRequest(
        model=model_of(form),
        # A translation has always been told its language by listening.
        language=language_of(form) if listens else "",
        prompt=clean_text(form.text("prompt")),
        temperature=temperature_of(form),
        response_format=response_format,
        granularities=granularities_of(form, response_format),
        streams=listens and streams(form, response_format),
        audio_track=audio_track_of(form),
    )


def model_of(form: Form) -> str:
    name = form.text("model").strip()
    if not name:
        raise refuse(400, "you must provide a model parameter")
    return resolved(name)


def streams(form: Form, response_format: str) -> bool:
    """Whether the client wants events; OpenAI's client then reads nothing else.

    Raises:
        ApiError: They have no place for what else it wants.
    """
    if form.text("stream").strip().lower() not in ("true", "1"):
        return False
    if response_format not in STREAMED_FORMATS:
        message = (
            f"A stream has no {response_format}. Ask for `response_format` "
            f"{', '.join(STREAMED_FORMATS)}, or without `stream`."
        )
        raise refuse(400, message, "stream", "unsupported_value")
    return True


def refuse_known_speakers(form: Form) -> None:
    """People aren't recognised here: letters instead of the expected names would mislead."""
    for name in KNOWN_SPEAKERS:
        if form.texts.get(name) or form.texts.get(f"{name}[]"):
            message = f"This server doesn't recognise people; send the request without `{name}`."
            raise refuse(400, message, name, "unsupported_value")


def language_of(form: Form) -> str:
    """The language's code; names such as `english` are accepted, too."""
    said = form.text("language").strip()
    code = "" if said.lower() in ("", "auto") else CODES.get(said.lower())
    if code is None:
        message = (
            f"Invalid language '{said}'. Language parameter must be specified in ISO-639-1 format."
        )
        raise refuse(400, message, "language", "invalid_language_format")
    known = registry.get(conf.ENGINE).capabilities().languages
    if code and known is not None and code not in known:
        message = f"This server's engine doesn't support the language '{said}'."
        raise refuse(400, message, "language", "unsupported_value")
    return code


def temperature_of(form: Form) -> float:
    said = form.text("temperature").strip() or "0"
    try:
        temperature = float(said)
    except ValueError:
        temperature = math.nan
    if not 0 <= temperature <= 1:
        message = f"Invalid value for 'temperature': '{said}'. Expected a number between 0 and 1."
        raise refuse(400, message, "temperature", "invalid_value")
    return temperature


def audio_track_of(form: Form) -> int | None:
    said = form.text("audio_track").strip()
    if not said:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,2}", said):
        message = f"Invalid value for 'audio_track': '{said[:99]}'. Expected a number from 1 on."
        raise refuse(400, message, "audio_track", "invalid_value")
    return int(said)


def granularities_of(form: Form, response_format: str) -> frozenset[str]:
    """What `verbose_json` tells times of: segments, where nothing is said."""
    names = ("timestamp_granularities[]", "timestamp_granularities")
    said = [text.strip() for name in names for text in form.texts.get(name, ())]
    for text in said:
        check(text, "timestamp_granularities", GRANULARITIES)
    if said and response_format != "verbose_json":
        message = (
            "`response_format` must be `verbose_json` if `timestamp_granularities[]` is provided"
        )
        raise refuse(400, message, "timestamp_granularities")
    return frozenset(said or ("segment",))


def one_of(form: Form, name: str, known: tuple[str, ...]) -> str:
    """A field that takes some words; empty where it was not sent."""
    said = form.text(name).strip()
    if said:
        check(said, name, known)
    return said


def check(said: str, name: str, known: tuple[str, ...]) -> None:
    """Refuses an unknown word."""
    if said not in known:
        listed = ", ".join(f"'{word}'" for word in known[:-1]) + f" and '{known[-1]}'"
        message = f"Invalid value: '{said}'. Supported values are: {listed}."
        raise refuse(400, message, name, "invalid_value")


def recording_of(form: Form) -> MediaPart:
    """The part `file`.

    Raises:
        ApiError: There is none, or it is a text.
    """
    part = form.parts.get("file")
    if not isinstance(part, MediaPart):
        message = "Missing required parameter: 'file'."
        raise refuse(400, message, "file", "missing_required_parameter")
    return part

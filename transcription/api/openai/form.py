"""The form fields of OpenAI's audio routes."""

import math
import re

from transcription.api.forms.multipart import Form
from transcription.api.forms.parts import MediaPart
from transcription.api.openai.errors import refuse
from transcription.api.openai.models import resolved
from transcription.api.openai.requested import (
    DIARIZED,
    GRANULARITIES,
    RESPONSE_FORMATS,
    TRANSLATED_FORMATS,
    TranscriptionRequest,
)
from transcription.conf import conf
from transcription.engines import registry
from transcription.languages import LANGUAGES
from transcription.services.sanitize import clean_text

STREAMED_FORMATS = ("json", "text", DIARIZED)
"""The formats whose content can be streamed as events."""
KNOWN_SPEAKERS = ("known_speaker_names", "known_speaker_references")
CODES = {name.lower(): code for code, name in LANGUAGES.items()} | {
    code: code for code in LANGUAGES
}


def read_asked(form: Form, task: str) -> TranscriptionRequest:
    """Validates the fields of a form.

    Raises:
        ApiError: A field is invalid.
    """
    listens = task == "transcribe"
    formats = RESPONSE_FORMATS if listens else TRANSLATED_FORMATS
    response_format = one_of(form, "response_format", formats) or "json"
    refuse_known_speakers(form)
    return TranscriptionRequest(
        model=model_of(form),
        # A translation has always detected its language from the audio.
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
        ApiError: Events can't contain the requested format.
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
    """Users aren't recognised here: letters instead of the expected names would mislead."""
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
    """The units for which `verbose_json` has times; the default is segments."""
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
    """A field with a few allowed words; empty if it was not sent."""
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
        ApiError: It is missing, or is a text.
    """
    part = form.parts.get("file")
    if not isinstance(part, MediaPart):
        message = "Missing required parameter: 'file'."
        raise refuse(400, message, "file", "missing_required_parameter")
    return part

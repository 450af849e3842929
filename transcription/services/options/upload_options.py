"""Options in the metadata of tus uploads: the API's parameters, by name."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from transcription.conf import conf
from transcription.languages import LANGUAGES
from transcription.models import Priority
from transcription.services.options.default_language import default_language
from transcription.services.options.parameters import FullParameters, Text
from transcription.services.options.priority import priority_named
from transcription.services.options.requested_options import told_params
from transcription.services.options.vocabulary import MODELS, TASKS
from transcription.services.sanitize import as_text

# The spellings of a UUID that clients use; Python also accepts braces and URNs.
UUID_FORM = re.compile(r"[0-9a-f]{8}(-?)([0-9a-f]{4}\1){3}[0-9a-f]{12}", re.IGNORECASE)
OF_THE_JOB = frozenset(("language", "model", "task", "callback_url", "priority"))
DETECT = ("", "auto")


class UploadParameters(FullParameters):
    """The API's parameters in uploads, and two more.

    This site's offer decides which language, task and model are valid. `align` and `diarize` may
    switch these steps on or off; by default the engine's capabilities decide.
    """

    language: Text = ""
    task: Text = ""
    model: Text = ""
    align: bool | None = None
    diarize: bool | None = None
    min_speakers: int | None = Field(None, ge=1)
    max_speakers: int | None = Field(None, ge=1)

    @field_validator("max_speakers")
    @classmethod
    def _above_the_least(cls, most: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get("min_speakers")
        if most and least and most < least:
            raise PydanticCustomError("speakers", "it is less than min_speakers")
        return most


def wanted_of(metadata: Mapping[str, bytes], file_name: str) -> dict[str, Any]:
    """The client's options as attributes of JobSpec; unknown values are ignored.

    If only recordings are accepted, these were refused before a byte was received. Clients can
    never name a folder or any repository as the model.
    """
    parameters, _ = read_options(metadata)
    language, model, task = parameters.language, parameters.model, parameters.task
    if language in DETECT:
        language = default_language(file_name)
    wanted = {
        "language": language if language in LANGUAGES else "",
        "model": model if model in MODELS else conf.WHISPER_MODEL,
        "task": task if task in TASKS else "transcribe",
    }
    return {
        **wanted,
        "options": parameters.model_dump(mode="json", exclude_unset=True, exclude=set(OF_THE_JOB)),
        "params": told_params(parameters, wanted)
        | {"align": parameters.align, "diarize": parameters.diarize},
        "callback_url": str(parameters.callback_url or ""),
        "priority": priority_named(parameters.priority),
        "file_name": file_name,
    }


def read_options(metadata: Mapping[str, bytes]) -> tuple[UploadParameters, dict[str, str]]:
    """The valid parameters in an upload's metadata.

    Returns:
        The parameters, and for each invalid key what is wrong with it.
    """
    values: dict[str, Any] = {
        name: said
        for name in UploadParameters.model_fields
        if name in metadata and (said := text(metadata, name))
    }
    if "suppress_tokens" in values:  # a key is unique, so its value is the list
        values["suppress_tokens"] = values["suppress_tokens"].strip("[]").split(",")
    try:
        return UploadParameters.model_validate(values), {}
    except ValidationError as problem:
        faults = {str(fault["loc"][0]): fault["msg"] for fault in problem.errors()}
    sound = {name: value for name, value in values.items() if name not in faults}
    return UploadParameters.model_validate(sound), faults


def problems_of(metadata: Mapping[str, bytes]) -> list[str]:
    """Sentences about all invalid options."""
    parameters, faults = read_options(metadata)
    language, model, task = parameters.language, parameters.model, parameters.task
    problems = []
    if language not in (*DETECT, *LANGUAGES):
        problems.append(f"The language {language!r} is not known; send auto or a code such as en.")
    if model not in ("", conf.WHISPER_MODEL, *MODELS):
        problems.append(f"The model {model!r} is not known; use one of: {', '.join(MODELS)}.")
    if task not in ("", *TASKS):
        problems.append(f"The task {task!r} is not known; use one of: {', '.join(TASKS)}.")
    problems += [f"The metadata key {name} is wrong: {fault}." for name, fault in faults.items()]
    return problems


def callback_of(metadata: Mapping[str, bytes]) -> str:
    """The callback URL that the client gave; empty: none."""
    return str(read_options(metadata)[0].callback_url or "")


def priority_of(metadata: Mapping[str, bytes]) -> Priority:
    """The priority that the client asked for."""
    return priority_named(read_options(metadata)[0].priority)


def requested_id(metadata: Mapping[str, bytes]) -> uuid.UUID | None:
    """The job identifier that the client chose by `taskId`, if it is a UUID."""
    said = text(metadata, "taskId")
    return uuid.UUID(said) if UUID_FORM.fullmatch(said) else None


def text(metadata: Mapping[str, bytes], key: str) -> str:
    """A metadata value as text; bytes that aren't UTF-8 become an unknown value."""
    return as_text(metadata.get(key, b"").decode("utf-8", "replace").strip())

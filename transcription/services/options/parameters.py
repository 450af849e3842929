"""The parameters of a job: names, types, defaults and limits in the API.

The defaults are those of the HTTP contract, whatever this site's settings are. Clients,
`task_params` and engine options use these names.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, FiniteFloat, HttpUrl

from transcription.languages import LANGUAGES
from transcription.models import Priority
from transcription.services.options.allowed_words import OneOf
from transcription.services.options.default_language import DEFAULT_LANGUAGE
from transcription.services.options.devices import default_device
from transcription.services.options.priority import WORDS
from transcription.services.options.vocabulary import MODEL_ALIASES, MODELS, TASKS


def _without_nul(value: str) -> str:
    return value.replace("\0", "")  # no database can store it


Text = Annotated[str, AfterValidator(_without_nul)]
Task = Annotated[str, OneOf(TASKS)]
ModelName = Annotated[
    str, OneOf([name for name in MODELS if name not in MODEL_ALIASES], MODEL_ALIASES)
]
Device = Annotated[str, OneOf(("cuda", "cpu"))]
ComputeType = Annotated[str, OneOf(("float16", "float32", "int8"))]
Interpolation = Annotated[str, OneOf(("nearest", "linear", "ignore"))]


class ModelParameters(BaseModel):
    """M: which model transcribes, where, and in what language."""

    language: Text = Field(
        DEFAULT_LANGUAGE,
        description="Language of the recording.",
        json_schema_extra={"enum": list(LANGUAGES)},  # not enforced: an unknown one fails later
    )
    task: Task = Field("transcribe", description="Keep the language, or translate into English.")
    model: ModelName = Field(
        "tiny", description="Name of the Whisper model; `turbo` means large-v3-turbo."
    )
    device: Device = Field("cuda", description="The device; without a GPU, the CPU is used.")
    device_index: int = Field(0, description="The GPU, if there are several.")
    threads: int = Field(0, description="CPU threads; 0: the engine's default.")
    batch_size: int = Field(8, description="Windows transcribed at once.")
    chunk_size: int = Field(20, description="Longest window of speech, in seconds.")
    compute_type: ComputeType = Field("float16", description="Precision of the model.")


class AlignmentParameters(BaseModel):
    """A: word alignment."""

    align_model: Text | None = Field(None, description="The alignment model.")
    interpolate_method: Interpolation = Field(
        "nearest", description="How to interpolate words that could not be aligned."
    )
    return_char_alignments: bool = Field(False, description="Align characters, too.")


class DiarizationParameters(BaseModel):
    """D: the number of speakers."""

    min_speakers: int | None = Field(None, description="Minimum number of speakers.")
    max_speakers: int | None = Field(None, description="Maximum number of speakers.")


class AsrParameters(BaseModel):
    """O: decoding."""

    beam_size: int = Field(5, description="Beams of the search at temperature zero.")
    best_of: int = Field(5, description="Candidates at temperatures above zero.")
    patience: FiniteFloat = Field(1.0, description="Patience of the beam search.")
    length_penalty: FiniteFloat = Field(1.0, description="Penalty for the length of a text.")
    temperatures: FiniteFloat = Field(0.0, description="Temperature of the sampling: one number.")
    compression_ratio_threshold: FiniteFloat = Field(
        2.4, description="Above this compression ratio, a text counts as failed."
    )
    log_prob_threshold: FiniteFloat = Field(
        -1.0, description="Below this average log probability, a text counts as failed."
    )
    no_speech_threshold: FiniteFloat = Field(
        0.6, description="Above this probability of no speech, a failed window counts as silence."
    )
    initial_prompt: Text | None = Field(None, description="Text before the first window.")
    suppress_tokens: list[int] = Field(
        [-1],
        description="Tokens to suppress; -1: the model's own list. Repeat the key.",
    )
    suppress_numerals: bool | None = Field(False, description="Write numbers as words.")
    hotwords: Text | None = Field(None, description="Words that are likely to occur.")


class VoiceParameters(BaseModel):
    """V: voice activity detection."""

    vad_onset: FiniteFloat = Field(0.5, description="Speech begins above this probability.")
    vad_offset: FiniteFloat = Field(0.363, description="Speech ends below this probability.")


class SoundParameters(BaseModel):
    """The audio track."""

    audio_track: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Audio track to read (1, 2, …). Default: the file's, or the first "
        "that can be decoded.",
    )


class QueueParameters(BaseModel):
    """The place in the queue."""

    priority: Annotated[str, OneOf(WORDS)] = Field(
        Priority.NORMAL.label,
        description="Which of your tasks are done first. `high` is for staff, and for users with "
        "the permission to prioritize jobs.",
    )


class ContextParameters(BaseModel):
    """What each part of a recording knows of the parts before it."""

    condition_on_previous_text: bool = Field(
        False,
        description="Transcribe in one go, each window with the text before it as context, instead "
        "of in batches: slower, and mistakes may spread.",
    )


class CallbackParameters(BaseModel):
    """The webhook."""

    callback_url: HttpUrl | None = Field(
        None, description="Receives the task by POST when it has completed or failed."
    )


class DeviceParameters(BaseModel):
    """The device of the services that need no transcription model."""

    device: Device = Field(default_factory=default_device, description="The device.")


# pydantic lists the fields of the last base first, and errors follow the order of the fields.


class FullParameters(
    QueueParameters,
    CallbackParameters,
    ContextParameters,
    SoundParameters,
    VoiceParameters,
    AsrParameters,
    DiarizationParameters,
    AlignmentParameters,
    ModelParameters,
):
    """The query of both speech-to-text routes."""


class TranscribeParameters(
    QueueParameters,
    ContextParameters,
    SoundParameters,
    VoiceParameters,
    AsrParameters,
    ModelParameters,
):
    """The query of `/service/transcribe`."""


class AlignParameters(QueueParameters, SoundParameters, DeviceParameters, AlignmentParameters):
    """The query of `/service/align`."""


class DiarizeParameters(QueueParameters, SoundParameters, DeviceParameters, DiarizationParameters):
    """The query of `/service/diarize`."""


class CombineParameters(BaseModel):
    """`/service/combine` has no parameters."""


FLAT = (ModelParameters, AlignmentParameters, DiarizationParameters, DeviceParameters)
BEYOND_THE_CONTRACT = ("audio_track", "condition_on_previous_text")
NESTED = {"asr_options": AsrParameters, "vad_options": VoiceParameters}


def task_params(parameters: BaseModel) -> dict[str, Any] | None:
    """The `task_params` of a task: every key is present, even without a value."""
    values = parameters.model_dump(mode="json")
    shown = {
        name: values[name]
        for group in FLAT
        if isinstance(parameters, group)
        for name in group.model_fields
    }
    for key, group in NESTED.items():
        if isinstance(parameters, group):
            shown[key] = {name: values[name] for name in group.model_fields}
    for name in BEYOND_THE_CONTRACT:  # old clients don't know these keys
        if values.get(name) not in (None, False):
            shown[name] = values[name]
    return shown or None

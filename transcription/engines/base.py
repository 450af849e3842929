"""What every speech engine takes, gives and may raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from transcription.engines.pcm import Audio

Segment = dict[str, Any]
"""{"start", "end", "text", "speaker"?, "avg_logprob"?, "words"?}: plain JSON values, seconds."""


@dataclass(frozen=True)
class Request:
    """One transcription to run; plain values only, so that it travels as JSON."""

    media_path: str
    engine: str
    model: str = ""  # a name, a local folder, or "" for engines that have none
    model_path: str = ""  # the local folder to load; selection.prepare fills it in
    language: str | None = None  # None: detect it
    task: str = "transcribe"  # or "translate"
    device: str = "auto"  # "auto", "cpu" or "cuda"
    device_index: int = 0
    compute_type: str = "default"
    threads: int = 0  # 0: the engine's own choice
    options: Mapping[str, Any] = field(default_factory=dict)  # decoding options by contract name
    work_dir: str = ""  # where decoded audio lies while the job runs; "" is the system's own


@dataclass
class Result:
    """What a finished run gives back."""

    engine: str
    model: str
    language: str | None
    language_probability: float | None
    duration: float  # seconds of audio that were really decoded
    media: dict[str, Any]  # container, codec, mime, has_video, duration
    segments: list[Segment]
    warnings: list[str]


@dataclass
class Transcription:
    """What an engine makes of one recording."""

    segments: list[Segment]
    language: str | None
    language_probability: float | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Capabilities:
    """What people may expect of an engine."""

    label: str
    quality: str
    languages: tuple[str, ...] | None  # None: all that Whisper knows
    words: bool
    diarization: bool
    translation: bool
    needs_download: bool
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """News of a run: the stage it is in, and how many seconds of audio are done there."""

    stage: str  # "probing", "decoding", "loading" or "transcribing"
    done: float = 0.0
    total: float | None = None
    media: dict[str, Any] | None = None  # with the first news after the probe


class EngineError(Exception):
    """A final reason why a recording cannot be transcribed so; trying again changes nothing.

    Args:
        code: a short word for programs.
        message: one plain sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MediaError(EngineError):
    """The file holds no audio that can be read."""


class EngineDied(Exception):
    """The engine's process ended in the middle of a run.

    Args:
        message: one plain sentence for people.
        exit_code: the exit status, None where a signal ended it.
        signal: the number of the signal, or None.
        stderr: the last words of the process.
    """

    def __init__(
        self,
        message: str,
        exit_code: int | None = None,
        signal: int | None = None,
        stderr: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.signal = signal
        self.stderr = stderr


class Cancelled(Exception):
    """The run was stopped because its owner asked for it."""


Progress = Callable[[float], None]
"""Called with the seconds of audio that are done."""
ShouldStop = Callable[[], bool]


class Engine(Protocol):
    """A speech engine. Heavy libraries are imported inside its methods only."""

    name: str

    def capabilities(self) -> Capabilities:
        """What it can do; cheap, needs no heavy import."""
        ...

    def ready(self, request: Request) -> str:
        """ "" when it can run the request, else a plain reason why not; needs no heavy import."""
        ...

    def load(self, request: Request) -> None:
        """Get the model into memory, or keep the one that is there.

        Raises:
            EngineError: the model cannot be loaded.
        """
        ...

    def transcribe(
        self,
        audio: Audio,
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Transcription:
        """Turn audio into timed text. Silence gives no segments and is no error.

        Raises:
            EngineError: it cannot be done.
            Cancelled: should_stop() said so.
        """
        ...

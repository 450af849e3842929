"""The data types of speech engines: requests, results and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transcription.media.errors import FinalError

TRANSCRIBE, ALIGN, DIARIZE = STAGES = ("transcribe", "align", "diarize")
"""What engines do with a recording, in this order; combining what came out needs no engine."""

ANY = "*"
"""Among the aligners that a request may name: whichever the client likes."""

Segment = dict[str, Any]
"""{"start", "end", "text", "speaker"?, "avg_logprob"?, "words"?}: plain JSON values, seconds."""
Word = dict[str, Any]
"""{"word", "start"?, "end"?, "score"?, "speaker"?}: seconds; a score is between 0 and 1."""
Heard = dict[str, Any]
"""{"text", "language"}: what a client that reads along gets of a segment."""
Turn = dict[str, Any]
"""{"label", "speaker", "start", "end"}: who speaks from when to when, in seconds."""


@dataclass(frozen=True)
class Request:
    """A job for an engine, as plain values, so that it can be sent as JSON."""

    media_path: str
    engine: str  # the one that was asked for; stages that it cannot do, others do in its place
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
    stages: Sequence[str] = (TRANSCRIBE,)  # what to do, in the order of STAGES
    outputs: Mapping[str, Any] = field(default_factory=dict)  # of other stages, by their names
    slots: int = 0  # how many requests may use one card at once; 0: any number
    slots_dir: str = ""  # where those requests, of any process, know of each other
    asked: str = (
        ""  # if `engine` is a fallback for the transcription: the engine of the other stages
    )
    aligners: Sequence[str] = ()  # repositories that `align_model` may name besides the usual ones
    models_dir: str = ""  # where assets lie and are downloaded to; "": nothing is downloaded
    decoder_memory: int = 2**30  # bytes that reading the file may take
    stall: float = 10.0  # seconds without a byte after which a download is given up


@dataclass(frozen=True)
class Output:
    """The output of one stage.

    Attributes:
        stage: One of STAGES.
        engine: The one that did it.
        value: Of "transcribe" {"segments", "language"}, of "align" {"segments", "word_segments"},
            of "diarize" a list of turns: plain JSON values.
        model: Its name, where the engine has models.
        note: What people should know of how it was done, such as that an engine stood in.
        warnings: What is amiss with it.
    """

    stage: str
    engine: str
    value: Any
    model: str = ""
    note: str = ""
    warnings: Sequence[str] = ()


@dataclass
class Result:
    """The result of a finished run."""

    duration: float  # seconds of audio that were really decoded
    media: dict[str, Any]  # container, codec, mime, has_video, duration
    outputs: dict[str, Output] = field(default_factory=dict)  # by stage; each was told before
    failures: dict[str, str] = field(default_factory=dict)  # stage -> why it gave nothing
    language_probability: float | None = None

    @property
    def segments(self) -> list[Segment]:
        segments: list[Segment] = self._of(TRANSCRIBE, "segments") or []
        return segments

    @property
    def language(self) -> str | None:
        """Given or detected."""
        language: str | None = self._of(TRANSCRIBE, "language")
        return language

    @property
    def engine(self) -> str:
        return next((output.engine for output in self.outputs.values()), "")

    @property
    def warnings(self) -> list[str]:
        """Without duplicates."""
        said = (warning for output in self.outputs.values() for warning in output.warnings)
        return list(dict.fromkeys(said))

    def _of(self, stage: str, key: str) -> Any:
        return self.outputs[stage].value.get(key) if stage in self.outputs else None


@dataclass
class Transcription:
    """The transcription of one recording."""

    segments: list[Segment]
    language: str | None
    language_probability: float | None = None
    warnings: list[str] = field(default_factory=list)
    note: str = ""


@dataclass
class Alignment:
    """A transcript's words, each with its time as far as it could be found."""

    segments: list[Segment]  # the transcript's, each with "words" (and "chars" where asked for)
    note: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass
class Diarization:
    """The speaker turns of one recording."""

    turns: list[Turn]
    note: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Capabilities:
    """What an engine supports."""

    label: str
    quality: str
    languages: tuple[str, ...] | None  # None: all that Whisper knows
    words: bool  # whether its transcription comes with times of words, so needs no alignment
    translation: bool
    needs_download: bool
    models: tuple[str, ...] = ()
    stages: tuple[str, ...] = (TRANSCRIBE,)


@dataclass(frozen=True)
class Event:
    """News of a run: the stage it is in, and how many seconds of audio are done there."""

    stage: str  # "probing", "decoding", "fetching", "waiting", "loading" or one of WORKING
    done: float = 0.0  # of FETCHING bytes
    total: float | None = None
    media: dict[str, Any] | None = None  # with the first news after the probe
    output: Output | None = None  # with the last news of a stage
    heard: Sequence[Heard] = ()  # since the last news, where `LIVE` is among the options


LIVE = "live"
"""The option of a request that asks for segments as soon as they are there."""
WORKING = {TRANSCRIBE: "transcribing", ALIGN: "aligning", DIARIZE: "diarizing"}
"""What the news of each stage are called."""
FETCHING = "fetching"
"""What the news of a download are called that the next stage needs."""


class EngineError(FinalError):
    """An engine or a model cannot do what is asked of it."""


class EngineDied(Exception):
    """The engine's process ended in the middle of a run.

    Args:
        message: one plain sentence for people.
        exit_code: the exit status, None where a signal ended it.
        signal: the number of the signal, or None.
        stderr: the last words of the process.
        final: trying again would change nothing.
    """

    def __init__(
        self,
        message: str,
        exit_code: int | None = None,
        signal: int | None = None,
        stderr: str = "",
        final: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.final = final
        self.exit_code = exit_code
        self.signal = signal
        self.stderr = stderr


Progress = Callable[[float], None]
"""Called with the seconds of audio that are done."""


@dataclass(frozen=True)
class LiveProgress:
    """Progress of a transcription that a client reads along.

    Attributes:
        tell: As of all others.
        hear: Called with each segment as soon as it is there.
    """

    tell: Progress
    hear: Callable[[Heard], None]

    def __call__(self, done: float) -> None:
        """Reports the seconds of audio done."""
        self.tell(done)


def hear(on_progress: Progress, text: str, language: str | None) -> None:
    """Give a new segment to the client that reads along, if one does. In the transcript's order."""
    if isinstance(on_progress, LiveProgress):
        on_progress.hear({"text": text, "language": language})


ShouldStop = Callable[[], bool]


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it came of, what that came of, and so on: the innermost says most."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

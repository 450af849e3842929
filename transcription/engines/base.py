"""The data types of speech engines: requests, results and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transcription.media.errors import FinalError

TRANSCRIBE, ALIGN, DIARIZE = STAGES = ("transcribe", "align", "diarize")
"""The stages of an engine, in order; joining their outputs needs no engine."""

ANY = "*"
"""An entry among the aligners that a request may name: any model that the client names."""

Segment = dict[str, Any]
"""{"start", "end", "text", "speaker"?, "avg_logprob"?, "words"?}: plain JSON values, seconds."""
Word = dict[str, Any]
"""{"word", "start"?, "end"?, "score"?, "speaker"?}: seconds; a score is between 0 and 1."""
Turn = dict[str, Any]
"""{"label", "speaker", "start", "end"}: who speaks from when to when, in seconds."""


@dataclass(frozen=True)
class Request:
    """A request to an engine, as plain values, so that it can be sent as JSON."""

    media_path: str
    engine: str  # the requested one; fallbacks do the stages that it doesn't support
    model: str = ""  # a name, a local folder, or "" for engines without models
    model_path: str = ""  # the local folder to load; selection.prepare fills it in
    language: str | None = None  # None: detect it
    task: str = "transcribe"  # or "translate"
    device: str = "auto"  # "auto", "cpu" or "cuda"
    device_index: int = 0
    compute_type: str = "default"
    threads: int = 0  # 0: the engine's default
    options: Mapping[str, Any] = field(default_factory=dict)  # decoding options by API names
    work_dir: str = ""  # the folder for decoded audio while the job runs; "": the system's
    stages: Sequence[str] = (TRANSCRIBE,)  # what to do, in the order of STAGES
    outputs: Mapping[str, Any] = field(
        default_factory=dict
    )  # outputs of other stages, by their names
    slots: int = 0  # requests that may use one GPU at once; 0: any number
    slots_dir: str = ""  # where these requests, of any process, coordinate
    asked: str = (
        ""  # if `engine` is a fallback for the transcription: the engine of the other stages
    )
    aligners: Sequence[str] = ()  # repositories that `align_model` may name besides the usual ones
    models_dir: str = ""  # where assets are, and are downloaded to; "": nothing is downloaded
    decoder_memory: int = 2**30  # the most memory that reading the file may take
    reader_stall: float = 600.0  # seconds after which a reader that found nothing is ended
    stall: float = 10.0  # seconds without a byte after which a download is stopped
    chunks: Sequence[Mapping[str, Any]] = ()  # kept from an earlier run, in order: see Chunk


@dataclass(frozen=True)
class Chunk:
    """A part of the recording with its text, which depends on the sound of this part alone.

    Attributes:
        start: Seconds; also where the part before it ended, or later.
        end: Seconds; the search for the next chunk begins here.
        segments: Its text, with times of the whole recording; none where nobody speaks.
        language: Of the whole recording: as requested, or as detected in the first chunk.
        language_probability: If it was detected.
    """

    start: float
    end: float
    segments: Sequence[Segment]
    language: str | None = None
    language_probability: float | None = None


@dataclass(frozen=True)
class Output:
    """The output of one stage.

    Attributes:
        stage: One of STAGES.
        engine: The engine that did it.
        value: Of "transcribe" {"segments", "language"}, of "align" {"segments", "word_segments"},
            of "diarize" a list of turns: plain JSON values.
        model: Its name, if the engine has models.
        device: "cpu" or "cuda"; what it was done on.
        note: What users should know about it, such as that a fallback was used.
        warnings: What is wrong with it.
    """

    stage: str
    engine: str
    value: Any
    model: str = ""
    note: str = ""
    warnings: Sequence[str] = ()
    device: str = ""


@dataclass
class Result:
    """The result of a finished run."""

    duration: float  # seconds of audio that were really decoded
    media: dict[str, Any]  # container, codec, mime, has_video, duration
    outputs: dict[str, Output] = field(default_factory=dict)  # by stage; each was reported before
    failures: dict[str, str] = field(default_factory=dict)  # stage -> why it has no output
    language_probability: float | None = None

    @property
    def segments(self) -> list[Segment]:
        segments: list[Segment] = self._of(TRANSCRIBE, "segments") or []
        return segments

    @property
    def language(self) -> str | None:
        """The requested or detected language."""
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

    segments: list[Segment]  # the transcript's, each with "words" (and "chars" if requested)
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
    languages: tuple[str, ...] | None  # None: all languages of Whisper
    words: bool  # whether its transcription has word times, so that it needs no alignment
    translation: bool
    needs_download: bool
    models: tuple[str, ...] = ()
    stages: tuple[str, ...] = (TRANSCRIBE,)
    streams: bool = False  # whether it reads streams; for others a file is made first


@dataclass(frozen=True)
class Event:
    """A report about a run: its stage, and the seconds of audio that are done in it."""

    stage: str  # "probing", "decoding", "fetching", "waiting", "loading" or one of WORKING
    done: float = 0.0  # of FETCHING: bytes
    total: float | None = None
    media: dict[str, Any] | None = None  # with the first report after the probe
    output: Output | None = None  # with the last report of a stage
    chunks: Sequence[Chunk] = ()  # transcribed since the last report


WORKING = {TRANSCRIBE: "transcribing", ALIGN: "aligning", DIARIZE: "diarizing"}
"""The reported name of each stage's work."""
FETCHING = "fetching"
"""The reported names of downloads that the next stage needs."""


class EngineError(FinalError):
    """An engine or a model can't do what was requested."""


class EngineDied(Exception):
    """The engine's process ended during a run.

    Args:
        message: One plain sentence for users.
        exit_code: The exit status; None if a signal ended it.
        signal: The number of the signal, or None.
        stderr: The last output of the process.
        final: Whether trying again would change nothing.
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


class Paused(Exception):
    """The run ended after a batch of chunks, because others wait: it goes on from these chunks."""


@dataclass(frozen=True)
class ChunkProgress:
    """Progress of a transcription that works chunk by chunk.

    Attributes:
        tell: See Progress.
        kept: The chunks of an earlier run, in order: the work begins after the last of them.
        keep: Called with each batch of new chunks, in order, as soon as it is done. It raises
            Paused where others wait, and Cancelled; both must pass through.
    """

    tell: Progress
    kept: Sequence[Chunk]
    keep: Callable[[Sequence[Chunk]], None]

    def __call__(self, done: float) -> None:
        """Reports the seconds of audio done."""
        self.tell(done)


ShouldStop = Callable[[], bool]


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, its cause, the cause of that, and so on: the innermost says most."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

"""The shapes of task results, one for each type; keys are in the order of the API.

Client generators use the names in the API description.
"""

from collections.abc import Iterable
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # from pydantic, which requires this one before Python 3.12


class Segment(TypedDict):
    """A segment of speech."""

    start: float
    end: float
    text: str


class TranscribedSegment(Segment):
    """A transcribed segment."""

    avg_logprob: NotRequired[float]


class AlignedWord(TypedDict):
    """A word with its time, if it was found."""

    word: str
    start: NotRequired[float]
    end: NotRequired[float]
    score: NotRequired[float]


class AlignedSegment(Segment):
    """A transcribed segment with its words."""

    words: list[AlignedWord]
    chars: NotRequired[list[Any]]
    avg_logprob: NotRequired[float]


class PartialSegment(TranscribedSegment):
    """A transcribed segment, with its words if the engine has them."""

    words: NotRequired[list[AlignedWord]]


class WordPlace(TypedDict):
    """A word with its time, in seconds."""

    word: str
    start: float
    end: float
    score: float


class SpokenWord(WordPlace):
    """A word and its speaker, if known."""

    speaker: NotRequired[str]


class SpokenSegment(Segment):
    """A segment with words and speakers."""

    words: list[SpokenWord]
    speaker: NotRequired[str]


class Transcription(TypedDict):
    """The result of `transcription`."""

    segments: Iterable[TranscribedSegment]
    language: str | None


class Alignment(TypedDict):
    """The result of `transcription_alignment`."""

    segments: Iterable[AlignedSegment]
    word_segments: Iterable[AlignedWord]


class Turn(TypedDict):
    """A speaker turn; the result of `diarization` is a list of these."""

    label: str
    speaker: str
    start: float
    end: float


class SpeakerTranscript(TypedDict):
    """The result of `full_process` and `combine_transcript&diarization`."""

    segments: Iterable[SpokenSegment]
    word_segments: Annotated[list[Any], Field(max_length=0)]


Outcome = Transcription | Alignment | Iterable[Turn] | SpeakerTranscript

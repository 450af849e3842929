"""The results of tasks, described: one shape for each type."""

from typing import Any

from pydantic import Field

from transcription.api.schema.body import Body


class WordPlace(Body):
    """A word in time, in seconds."""

    word: str
    start: float
    end: float
    score: float


class SpokenWord(WordPlace):
    """A word and who says it, where that is known."""

    speaker: str = ""


class AlignedWord(Body):
    """A word, in time where that could be found."""

    word: str
    start: float = 0
    end: float = 0
    score: float = 0


class Segment(Body):
    """What is said in one piece."""

    start: float
    end: float
    text: str


class TranscribedSegment(Segment):
    """What was heard."""

    avg_logprob: float = 0


class AlignedSegment(TranscribedSegment):
    """What was heard, word by word."""

    words: list[AlignedWord]
    chars: list[Any] = []


class SpokenSegment(Segment):
    """What was said, word by word, and by whom."""

    words: list[SpokenWord]
    speaker: str = ""


class Transcription(Body):
    """The result of `transcription`."""

    segments: list[TranscribedSegment]
    language: str | None


class Alignment(Body):
    """The result of `transcription_alignment`."""

    segments: list[AlignedSegment]
    word_segments: list[AlignedWord]


class Turn(Body):
    """Somebody speaks; the result of `diarization` is a list of these."""

    label: str
    speaker: str
    start: float
    end: float


class SpeakerTranscript(Body):
    """The result of `full_process` and `combine_transcript&diarization`."""

    segments: list[SpokenSegment]
    word_segments: list[Any] = Field(max_length=0)

"""The results of tasks, described: one shape for each type."""

from typing import Any

from pydantic import Field

from transcription.api.schema.body import Body


class WordPlace(Body):
    """A word with its time, in seconds."""

    word: str
    start: float
    end: float
    score: float


class SpokenWord(WordPlace):
    """A word and its speaker, if known."""

    speaker: str = ""


class AlignedWord(Body):
    """A word with its time, if it was found."""

    word: str
    start: float = 0
    end: float = 0
    score: float = 0


class Segment(Body):
    """A segment of speech."""

    start: float
    end: float
    text: str


class TranscribedSegment(Segment):
    """A transcribed segment."""

    avg_logprob: float = 0


class AlignedSegment(TranscribedSegment):
    """A transcribed segment with its words."""

    words: list[AlignedWord]
    chars: list[Any] = []


class SpokenSegment(Segment):
    """A segment with words and speakers."""

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

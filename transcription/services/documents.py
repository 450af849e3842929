"""JSON that clients bring instead of what an earlier stage would have given."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, FiniteFloat, TypeAdapter, ValidationError

from transcription.services.storable import whole

Text = Annotated[str, AfterValidator(whole)]
T = TypeVar("T")


class InvalidDocument(Exception):
    """It cannot be read, or lacks what it has to have."""


class Span(BaseModel):
    """Something with a beginning and an end, in seconds."""

    start: FiniteFloat
    end: FiniteFloat


class SpokenSegment(Span):
    """What is said in one piece."""

    text: Text


class Transcript(BaseModel):
    """What the transcription of a recording gives."""

    segments: list[SpokenSegment]
    language: Text | None


class Word(BaseModel):
    """A word, and where it is known, when it is said and how surely."""

    word: Text
    start: FiniteFloat | None = None
    end: FiniteFloat | None = None
    score: FiniteFloat | None = None


class AlignedSegment(SpokenSegment):
    """What is said in one piece, word by word."""

    words: list[Word]


class AlignedTranscript(BaseModel):
    """What the alignment of a transcript gives."""

    segments: list[AlignedSegment]
    word_segments: list[Word]


class Turn(Span):
    """Somebody speaks."""

    label: Text
    speaker: Text


TURNS = TypeAdapter(list[Turn])


def read_transcript(content: bytes) -> dict[str, Any]:
    """The transcript in a JSON file: its `segments` and their `language`.

    Raises:
        InvalidDocument: It is none.
    """
    return _valid(TypeAdapter(Transcript), content).model_dump()


def read_aligned_transcript(content: bytes) -> dict[str, Any]:
    """The aligned transcript in a JSON file: `segments` with `words`, and `word_segments`.

    Raises:
        InvalidDocument: It is none.
    """
    return _valid(TypeAdapter(AlignedTranscript), content).model_dump(exclude_none=True)


def read_turns(content: bytes) -> list[dict[str, Any]]:
    """Who speaks when, from a JSON file; what is empty otherwise is an empty list.

    Raises:
        InvalidDocument: It is no list of turns.
    """
    return [turn.model_dump() for turn in _valid(TURNS, content, is_list=True)]


def _valid(adapter: TypeAdapter[T], content: bytes, is_list: bool = False) -> T:
    try:
        # Of any Unicode encoding, with a byte order mark or without.
        value = json.loads(content)
        return adapter.validate_python([] if is_list and value in ({}, "") else value)
    except ValidationError as problem:
        raise InvalidDocument(str(problem.errors(include_url=False)[0]["msg"])) from problem
    except (ValueError, OverflowError, RecursionError) as problem:
        raise InvalidDocument("It is no JSON.") from problem

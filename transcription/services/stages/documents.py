"""JSON documents that clients provide instead of an earlier stage's output."""

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, FailFast, Field, FiniteFloat, ValidationError

from transcription.http.gradual_json import GradualReader
from transcription.services.sanitize import clean_text

Text = Annotated[str, AfterValidator(clean_text)]
T = TypeVar("T")

MOST_ITEMS = 250_000
"""The most segments and words of one document: 24 hours of speech."""
MOST_WORDS = 10_000
"""The most words of one segment, which is checked in one step: more than an hour of speech."""


class InvalidDocument(Exception):
    """It is malformed, or incomplete."""


class Span(BaseModel):
    """Something with a beginning and an end, in seconds."""

    start: FiniteFloat
    end: FiniteFloat


class SpokenSegment(Span):
    """A segment of speech."""

    text: Text


class Transcript(BaseModel):
    """The result of a transcription."""

    segments: list[SpokenSegment]
    language: Text | None


class Word(BaseModel):
    """A word with its time and score, if known."""

    word: Text
    start: FiniteFloat | None = None
    end: FiniteFloat | None = None
    score: FiniteFloat | None = None


class AlignedSegment(SpokenSegment):
    """A segment with its words."""

    words: Annotated[list[Word], FailFast(), Field(max_length=MOST_WORDS)]


class AlignedTranscript(BaseModel):
    """The result of an alignment."""

    segments: list[AlignedSegment]
    word_segments: list[Word]


class Turn(Span):
    """A speaker turn."""

    label: Text
    speaker: Text


def read_transcript(content: bytes) -> dict[str, Any]:
    """The transcript in a JSON file: its `segments` and their `language`.

    Raises:
        InvalidDocument: It isn't one.
    """
    return _read(content, lambda document: document.whole(Transcript))


def read_aligned_transcript(content: bytes) -> dict[str, Any]:
    """The aligned transcript in a JSON file: `segments` with `words`, and `word_segments`.

    Raises:
        InvalidDocument: It is none.
    """
    return _read(content, lambda document: document.whole(AlignedTranscript))


def read_turns(content: bytes) -> list[dict[str, Any]]:
    """Who speaks when, from a JSON file; other empty values count as an empty list.

    Raises:
        InvalidDocument: It isn't a list of turns.
    """
    return _read(content, lambda document: document.turns())


def _read(content: bytes, read: Callable[["Document"], T]) -> T:
    try:
        # In any Unicode encoding, with or without a byte order mark.
        text = content.decode(json.detect_encoding(content), "surrogatepass")
        document = Document(text.removeprefix("\ufeff"))
        value = read(document)
        document.json.end()
    except ValidationError as problem:
        raise InvalidDocument(str(problem.errors(include_url=False)[0]["msg"])) from problem
    except (ValueError, OverflowError, RecursionError) as problem:
        raise InvalidDocument("It isn't JSON.") from problem
    return value


class Document:
    """Reads a document item by item, and stops at the first invalid one.

    So no long lists are built, neither of faults nor of unused items.
    """

    def __init__(self, text: str) -> None:
        self.json = GradualReader(text)
        self.count = 0

    def whole(self, model: type[BaseModel]) -> dict[str, Any]:
        found = self.fields(model)
        lists = {key: value for key, value in found.items() if isinstance(value, list)}
        return model.model_validate(found | dict.fromkeys(lists, [])).model_dump() | lists

    def turns(self) -> list[dict[str, Any]]:
        if self.json.kind() == "[":
            return self.items(Turn)
        if self.json.is_short() and self.json.found in ({}, ""):
            return []
        raise InvalidDocument("It isn't a list.")

    def items(self, model: type[BaseModel]) -> list[dict[str, Any]]:
        if self.json.kind() != "[":
            raise InvalidDocument("It isn't a list.")
        return [self.item(model) for _ in self.json.items()]

    def item(self, model: type[BaseModel]) -> dict[str, Any]:
        value = self.json.found if self.json.is_short() else self.fields(model)
        item = model.model_validate(value).model_dump(exclude_none=True)
        self.count += 1 + len(item.get("words", ()))
        if self.count > MOST_ITEMS:
            raise InvalidDocument(f"It has more than {MOST_ITEMS:,} segments and words.")
        return item

    def fields(self, model: type[BaseModel]) -> dict[str, Any]:
        """The next object's values for this model; all other keys are skipped."""
        if self.json.kind() != "{":
            raise InvalidDocument("It isn't an object.")
        found: dict[str, Any] = {}
        for key in self.json.entries():
            if key not in model.model_fields:
                self.json.skip()
            elif get_origin(annotation := model.model_fields[key].annotation) is list:
                found[key] = self.items(get_args(annotation)[0])
            elif self.json.kind() in "[{":
                raise InvalidDocument(f"{key} is neither a text nor a number.")
            else:
                found[key] = self.json.value()
        return found

"""What the document says of one operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from transcription.api.schema.bodies import Detail, DomainError

Schema = dict[str, Any]
Kind = type[BaseModel] | Schema | str
"""A model of JSON, its schema, or the media type of something else."""

AWAY = "The database or the upload store doesn't answer; try again later."
NOT_SERVED = "The request has no key, or an unknown one."
NOT_ALLOWED = "The origin is not allowed to change anything, or the CSRF token is missing."


@dataclass(frozen=True)
class Answer:
    """One answer of an operation.

    Attributes:
        description: When it comes.
        kinds: What its body may be; nothing: it has none.
    """

    description: str
    kinds: Sequence[Kind] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one address.

    Attributes:
        name: Its operationId.
        tag: Where it is listed.
        summary: What it does, in a few words.
        description: What else people should know.
        answers: By status.
        query: The model of its query.
        form: The schema of its form, by media type.
        callback: Whether the callback is listed here.
        is_open: Whether everybody may ask, also while the database is away.
        changes: Whether it changes anything.
        fault: How it says what every operation may have to say.
    """

    name: str
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    query: type[BaseModel] | None = None
    form: Mapping[str, Schema] = field(default_factory=dict)
    callback: bool = False
    is_open: bool = False
    changes: bool = False
    fault: Sequence[Kind] = (Detail, DomainError)

    def all_answers(self) -> dict[int, Answer]:
        """Its own answers, and those that any operation of its kind may give."""
        common: dict[int, Answer] = {}
        if not self.is_open:
            common = {401: Answer(NOT_SERVED, [Detail]), 503: Answer(AWAY, self.fault)}
        if self.changes:
            common[403] = Answer(NOT_ALLOWED, [Detail])
        return dict(sorted({**common, **self.answers}.items()))

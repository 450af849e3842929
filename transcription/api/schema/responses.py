"""How an API view describes its responses and forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transcription.api.shapes import Detail
from uploads.errors import UploadError

Schema = dict[str, Any]

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
NEEDS_KEY = "The request has no key, or an unknown one."
NOT_ALLOWED = "The origin is not allowed to change anything, or the CSRF token is missing."
NO_PRIORITY = f"{NOT_ALLOWED[:-1]}; or your tasks may not have high priority."
AWAY = "The database or the upload store doesn't answer; try again later."


@dataclass(frozen=True)
class Answer:
    """One response of an operation.

    Attributes:
        description: When it is sent.
        shape: The shape of its JSON, or several joined by `|`; None: no JSON.
        media_types: Further types of its body.
    """

    description: str
    shape: Any = None
    media_types: Sequence[str] = ()


Answers = Mapping[int, Answer]


def refusals(*errors: type[UploadError], shape: Any = Detail) -> dict[int, Answer]:
    """The responses to these errors."""
    return {error.status: Answer(error.message, shape) for error in errors}


def form(required: Sequence[str], **fields: Schema) -> Schema:
    """The schema of a form; its `required` fields come from their names."""
    return {"type": "object", "required": list(required), "properties": fields}


def file(description: str) -> Schema:
    """A file in a form."""
    return {"type": "string", "format": "binary", "description": description}

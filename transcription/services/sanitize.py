"""Values from engines and files, made such that every database and every answer can hold them.

PostgreSQL refuses NUL and halves of characters, JSON knows no NaN, columns have widths.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from transcription.models import Job

LONGEST_TEXT = 4000
"""Characters of a reason or a note: enough for people, and a page can still show it."""


def as_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text without NUL and halves of characters, cut where it is too long."""
    text = whole(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def clean_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for fields of Job, fit for their columns; what fits nowhere is left out."""
    facts = {}
    for name, value in values.items():
        field = Job._meta.get_field(name)
        value = plain(value)
        if isinstance(value, str):
            value = as_text(value, getattr(field, "max_length", None) or LONGEST_TEXT)
        if value is not None or field.null:
            facts[name] = value
    return facts


def as_segments(segments: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Segments whose times are numbers; one without goes where the one before it ended."""
    kept = []
    end = 0.0
    for segment in segments:
        shown = plain(segment)
        start = shown.setdefault("start", end)
        end = shown.setdefault("end", start)
        shown.setdefault("text", "")
        kept.append(shown)
    return kept


def plain(value: Any) -> Any:
    """The value without what cannot be stored; such entries of an object are left out."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        entries = ((whole(str(key)), plain(entry)) for key, entry in value.items())
        return {key: entry for key, entry in entries if entry is not None}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def whole(text: str) -> str:
    """The text without NUL, and with halves of characters joined or replaced."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

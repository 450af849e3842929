"""Sanitizes values from engines and files for databases and responses.

PostgreSQL refuses NUL and surrogates, JSON has no NaN, columns have widths.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from transcription.models import Job

LONGEST_TEXT = 4000
"""The most characters of a reason or a note: enough for users, and a page can still show it."""


def as_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text without NUL and lone surrogates, shortened if it is too long."""
    text = clean_text(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def clean_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for fields of Job, shortened to fit; values that can't fit are left out."""
    facts = {}
    for name, value in values.items():
        field = Job._meta.get_field(name)
        value = clean_json(value)
        if isinstance(value, str):
            value = as_text(value, getattr(field, "max_length", None) or LONGEST_TEXT)
        if value is not None or field.null:
            facts[name] = value
    return facts


def as_segments(segments: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Segments whose times are numbers; one without a start begins where the previous one ended."""
    kept = []
    end = 0.0
    for segment in segments:
        shown = clean_json(segment)
        start = shown.setdefault("start", end)
        end = shown.setdefault("end", start)
        shown.setdefault("text", "")
        kept.append(shown)
    return kept


def clean_json(value: Any) -> Any:
    """The value without parts that can't be stored; such entries of an object are left out."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        entries = ((clean_text(str(key)), clean_json(entry)) for key, entry in value.items())
        return {key: entry for key, entry in entries if entry is not None}
    if isinstance(value, list | tuple):
        return [clean_json(entry) for entry in value]
    return value


def clean_text(text: str) -> str:
    """The text without NUL, and with surrogates joined or replaced."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

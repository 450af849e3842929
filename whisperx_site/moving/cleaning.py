"""Text that SQLite stores and PostgreSQL can't: the character NUL, and surrogates in JSON."""

import re
from typing import Any

from whisperx_site.moving.tables import Json

REPLACEMENT = "\ufffd"
NOT_KEPT = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any) -> Any:
    """The same value, with U+FFFD for each character that PostgreSQL can't store."""
    if isinstance(value, str):
        return NOT_KEPT.sub(REPLACEMENT, value)
    if isinstance(value, Json):
        return Json(_within(value.value))
    return value


def _within(value: Any) -> Any:
    if isinstance(value, str):
        return NOT_KEPT.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [_within(one) for one in value]
    if isinstance(value, dict):
        return {_within(name): _within(one) for name, one in value.items()}
    return value

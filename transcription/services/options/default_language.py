"""The default language, of recordings for which the client names none.

Recorders write languages into the names of their files (LANGUAGE_PATTERNS). Without that, the API
has its own, and everything else detects what is spoken.
"""

import unicodedata

from transcription.conf import conf
from transcription.languages import LANGUAGES

DEFAULT_LANGUAGE = "en"
"""That of requests to the API which name none."""


def default_language(file_name: str) -> str:
    """The language of the first pattern that the name holds, in any case.

    Returns:
        Its code; empty: no pattern fits, so it is detected, or the API's DEFAULT_LANGUAGE.
    """
    name = comparable(file_name)
    for part, language in patterns():
        if comparable(part) in name:
            return language
    return ""


def comparable(text: str) -> str:
    """The text such that case, and how accents are written, make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def patterns() -> list[tuple[str, str]]:
    """Parts of file names, each with its language, in the order of the setting.

    Raises:
        ValueError: An entry is no `part=code`, or its language is unknown.
    """
    found = []
    for entry in conf.LANGUAGE_PATTERNS:
        part, mark, language = (piece.strip() for piece in entry.rpartition("="))
        if not (part and mark) or language not in LANGUAGES:
            raise ValueError(f"{entry!r} is not valid: use the form A03=lv.")
        found.append((part, language))
    return found

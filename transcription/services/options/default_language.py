"""The default language of recordings for which the client names none.

Recorders put languages into file names (LANGUAGE_PATTERNS). Without a match, the API has its own
default, and everything else detects the spoken language.
"""

import unicodedata

from transcription.conf import conf
from transcription.languages import LANGUAGES

DEFAULT_LANGUAGE = "en"
"""The language of API requests that name none."""


def default_language(file_name: str) -> str:
    """The language of the first pattern that the name contains, in any case.

    Returns:
        Its code; empty: no pattern matches, so it is detected, or is the API's DEFAULT_LANGUAGE.
    """
    name = comparable(file_name)
    for part, language in patterns():
        if comparable(part) in name:
            return language
    return ""


def comparable(text: str) -> str:
    """The text without differences in case and in the encoding of accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def patterns() -> list[tuple[str, str]]:
    """Parts of file names with their languages, in the order of the setting.

    Raises:
        ValueError: An entry isn't `part=code`, or its language is unknown.
    """
    found = []
    for entry in conf.LANGUAGE_PATTERNS:
        part, mark, language = (piece.strip() for piece in entry.rpartition("="))
        if not (part and mark) or language not in LANGUAGES:
            raise ValueError(f"{entry!r} is not valid: use the form A03=lv.")
        found.append((part, language))
    return found

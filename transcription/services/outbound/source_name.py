"""The name of a downloaded recording, from its URL and the server."""

import os
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlparse

from transcription.media.names import SUFFIXES

ALLOWED = sorted(f".{suffix}" for suffix in SUFFIXES)
FALLBACK = "recording"  # used if only the extension is left of a name
_PARAMETER = re.compile(r'(?:^|;)\s*([\w-]+\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


class UnsupportedExtension(Exception):
    """Neither URL nor server name a recording by its extension.

    Attributes:
        filename: The name in the URL, as it would be stored.
        extension: Its extension, if any.
        allowed: The accepted extensions, sorted.
    """

    extension = "(none)"
    allowed = ALLOWED

    def __init__(self, filename: str) -> None:
        super().__init__(filename)
        self.filename = filename or "(unknown)"


def source_name(url: str, disposition: str) -> str:
    """The name to store: the server's if it has the extension of a recording, else the URL's.

    Args:
        url: As the client sent it; percent escapes stay as they are.
        disposition: The response's Content-Disposition; may be empty.

    Raises:
        UnsupportedExtension: Neither name has one.
    """
    said = parameters(disposition)
    in_url = urlparse(url).path
    for candidate in (said.get("filename", ""), in_url, encoded_name(said.get("filename*", ""))):
        name = kept_name(candidate)
        if has_extension(name):
            return name
    raise UnsupportedExtension(kept_name(in_url))


def has_extension(name: str) -> bool:
    """Whether a name has the extension of a recording."""
    return os.path.splitext(name)[1].lower() in ALLOWED


def kept_name(said: str) -> str:
    """The last part of a path, reduced to letters, digits, `_`, `.` and `-`.

    A run of dots and underscores becomes one underscore; only the dot before the extension of a
    recording stays a dot.
    """
    name = os.path.basename(said.strip())
    reduced = without_runs(name)
    stem, extension = os.path.splitext(name)
    if has_extension(reduced) or not has_extension(name):
        return reduced
    return (without_runs(stem).rstrip("._") or FALLBACK) + extension


def without_runs(name: str) -> str:
    """A name or stem that every system can store."""
    return re.sub(r"[._]{2,}", "_", re.sub(r"[^A-Za-z0-9_.-]", "_", name)).lstrip("._")


def parameters(disposition: str) -> Mapping[str, str]:
    """The parameters of a Content-Disposition, by name in lower case; the first of each counts."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(disposition):
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = re.sub(r'\\(["\\])', r"\1", value[1:-1])
        found.setdefault(name.lower(), value)
    return found


def encoded_name(value: str) -> str:
    """A name in the form of RFC 8187, such as `UTF-8''na%C3%AFve.wav`."""
    charset, _, rest = value.partition("'")
    try:
        return unquote(rest.partition("'")[2], charset or "utf-8", "replace")
    except LookupError:
        return ""

"""Builds the parts of a form from the multipart parser's callbacks.

The limits and sentences are those that API clients know.
"""

import codecs
from collections.abc import Callable, Collection
from email.message import Message
from typing import Any

from transcription.api.errors import ApiError, detail
from transcription.api.forms.parts import (
    DocumentPart,
    FilePart,
    Form,
    FormPart,
    MediaPart,
    TextPart,
    decoded,
)
from uploads.errors import TooLarge
from uploads.services.create import CreationRequest

MOST_PARTS = 1000
MOST_HEADERS = 5000  # of all parts together
MOST_OPTIONS = 300  # of one header: finding its end takes time
UNREADABLE = "There was an error parsing the body"
MOST_TEXT = 8 * 1024 * 1024  # bytes of all fields together


BROWSERS_ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n"}
"""The escapes that browsers (and curl) write in the names of parts and files (HTML, "multipart
form data").
"""


def as_it_is(value: str) -> str:
    return value


def without_escapes(value: str) -> str:
    for escape, sign in BROWSERS_ESCAPES.items():
        value = value.replace(escape, sign)
    return value


def header_options(
    header: str, read: Callable[[str], str] = as_it_is
) -> tuple[str, dict[str, str]]:
    """A header's value and its options; encoded ones (RFC 2231) take precedence.

    Args:
        header: Its value.
        read: Applied to each plain option.

    Raises:
        ApiError: It has too many pieces.
    """
    if header.count(";") > MOST_OPTIONS:
        raise ApiError(detail(400, UNREADABLE))
    message = Message()
    message["content-type"] = header.replace("\r", " ").replace("\n", " ")
    pairs = message.get_params() or [("", "")]
    found = {}
    for name, value in pairs[1:]:
        found[name.lower()] = value[2] if isinstance(value, tuple) else read(value)
    return pairs[0][0].lower().strip(), found


class Reader:
    def __init__(
        self,
        order: CreationRequest,
        options: dict[str, str],
        media: Collection[str],
        documents: Collection[str],
        accepts: Callable[[str], bool],
    ) -> None:
        self.order = order
        self.boundary = options["boundary"].encode("latin-1", "replace")
        self.charset = known_charset(options.get("charset", "utf-8"))
        self.media = media
        self.documents = documents
        self.accepts = accepts
        self.form = Form()
        self.files = self.texts = self.text_bytes = self.header_count = 0
        self.name = ""
        self.headers: dict[bytes, bytes] = {}
        self._field = self._value = b""

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self.headers.clear,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_headers_finished": self.on_headers_finished,
            "on_part_data": self.on_part_data,
            "on_part_end": self.on_part_end,
        }

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self.header_count += 1
        if self.header_count > MOST_HEADERS:
            raise ApiError(detail(400, UNREADABLE))
        self.headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def on_headers_finished(self) -> None:
        disposition = self.headers.get(b"content-disposition", b"").decode("latin-1")
        options = header_options(disposition, without_escapes)[1]
        if "name" not in options:
            said = 'The Content-Disposition header field "name" must be provided.'
            raise ApiError(detail(400, said))
        self.name = self.decoded(options["name"])
        self.form.open = self.new_part(options.get("filename"))

    def new_part(self, file_name: str | None) -> FormPart:
        if file_name is None:
            self.texts += 1
            check_count(self.texts, "fields")
            return TextPart(self.charset)
        self.files += 1
        check_count(self.files, "files")
        file_name = without_folder(self.decoded(file_name))
        content_type = self.headers.get(b"content-type", b"").decode("latin-1")
        if self.name in self.documents:
            return DocumentPart(file_name, content_type)
        if self.name in self.media and self.accepts(file_name):
            return MediaPart(file_name, content_type, self.order)
        return FilePart(file_name, content_type)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        assert self.form.open is not None
        if isinstance(self.form.open, TextPart):
            self.text_bytes += end - start
            if self.text_bytes > MOST_TEXT:
                raise TooLarge
        self.form.open.write(memoryview(data)[start:end])

    def on_part_end(self) -> None:
        assert self.form.open is not None
        self.form.open.end()
        self.form.add(self.name, self.form.open)
        self.form.open = None

    def decoded(self, value: str) -> str:
        return decoded(value.encode("latin-1", "replace"), self.charset)


def check_count(count: int, what: str) -> None:
    """Refuses a form with too many parts."""
    if count > MOST_PARTS:
        raise ApiError(detail(400, f"Too many {what}. Maximum number of {what} is {MOST_PARTS}."))


def known_charset(name: str) -> str:
    """A charset that Python knows."""
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return "latin-1"


def without_folder(file_name: str) -> str:
    """The name without a Windows path, which some old browsers send."""
    if file_name[1:3] == ":\\" or file_name.startswith("\\\\"):
        return file_name.rpartition("\\")[2]
    return file_name

"""The parts of a form while they arrive; none of them uses unlimited memory.

A part is written piece by piece, and complete once it has ended.
"""

import tempfile
from types import TracebackType
from typing import IO, Any, Protocol

from rest_framework.response import Response

from transcription.api.errors import ApiError, detail
from uploads.errors import TooLarge
from uploads.services.create import CreationRequest
from uploads.services.direct_upload import DirectUpload

TEXT_BYTES = 1024 * 1024
DOCUMENT_BYTES = 8 * 1024 * 1024
"""Some 100,000 words with their times. It is parsed in one step, during which its web process
serves no other request.
"""
DOCUMENT_BYTES_IN_MEMORY = 1024 * 1024


class FormPart(Protocol):
    def write(self, data: memoryview) -> None: ...

    def end(self) -> None: ...

    def drop(self, reason: str) -> None:
        """Discards the part, if it is not needed. Safe to repeat."""


class TextPart:
    """A text field.

    Args:
        charset: The form's; text that isn't valid in it is read as Latin-1.
    """

    def __init__(self, charset: str) -> None:
        self.charset = charset
        self.text = ""
        self._content = bytearray()

    def write(self, data: memoryview) -> None:
        if len(self._content) + len(data) > TEXT_BYTES:
            raise ApiError(detail(400, f"Part exceeded maximum size of {TEXT_BYTES // 1024}KB."))
        self._content += data

    def end(self) -> None:
        self.text = decoded(bytes(self._content), self.charset)

    def drop(self, reason: str) -> None:
        self._content.clear()


class FilePart:
    """A file that isn't stored: only its name matters.

    Attributes:
        file_name: As the client sent it.
        content_type: The type that the client claims.
    """

    def __init__(self, file_name: str, content_type: str) -> None:
        self.file_name = file_name
        self.content_type = content_type

    def write(self, data: memoryview) -> None: ...

    def end(self) -> None: ...

    def drop(self, reason: str) -> None: ...


class DocumentPart(FilePart):
    """A file that is read as a whole, such as JSON."""

    def __init__(self, file_name: str, content_type: str) -> None:
        super().__init__(file_name, content_type)
        made = tempfile.SpooledTemporaryFile(DOCUMENT_BYTES_IN_MEMORY)  # noqa: SIM115 (see drop)
        self._file: IO[bytes] = made

    def write(self, data: memoryview) -> None:
        if self._file.tell() + len(data) > DOCUMENT_BYTES:
            raise TooLarge(f"A document may have at most {DOCUMENT_BYTES // 1024**2} MiB.")
        self._file.write(data)

    def content(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def drop(self, reason: str) -> None:
        self._file.close()


class MediaPart(FilePart):
    """A recording, streamed to the store of uploads.

    Attributes:
        intake: Kept by the code that creates the job; dropped otherwise.
    """

    def __init__(self, file_name: str, content_type: str, order: CreationRequest) -> None:
        super().__init__(file_name, content_type)
        self.intake = DirectUpload(order, file_name, content_type)
        self.kept = False

    def write(self, data: memoryview) -> None:
        self.intake.write(data)

    def end(self) -> None:
        """Closes the file."""
        self.intake.close()

    def drop(self, reason: str) -> None:
        """Removes the bytes; the upload's row keeps the reason for staff."""
        if not self.kept:
            self.kept = True
            self.intake.discard(reason)


class Form:
    """A form's parts; of parts with the same name, the last complete one.

    Used as a context: recordings not kept at its end are dropped, with the reason.
    """

    def __init__(self) -> None:
        self.parts: dict[str, FormPart] = {}
        self.texts: dict[str, list[str]] = {}  # all parts of each name, in order
        self.open: FormPart | None = None

    def add(self, name: str, part: FormPart) -> None:
        if "\0" in name or (isinstance(part, TextPart) and "\0" in part.text):
            raise ApiError(
                detail(400, f"The field {name!r} contains the character NUL. Remove it.")
            )
        if name in self.parts:
            self.parts[name].drop("The form has another file of the same name.")
        self.parts[name] = part
        if isinstance(part, TextPart):
            self.texts.setdefault(name, []).append(part.text)

    def text(self, name: str) -> str:
        """The text of a field; empty if there is none."""
        part = self.parts.get(name)
        return part.text if isinstance(part, TextPart) else ""

    def drop(self, reason: str) -> None:
        """Drops everything that was not kept."""
        for part in (*self.parts.values(), self.open):
            if part is not None:
                part.drop(reason)

    def __enter__(self) -> "Form":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop(reason_of(problem))


def reason_of(problem: BaseException | None) -> str:
    """Why a form was refused, for staff."""
    if isinstance(problem, ApiError):
        return error_message(problem.response)
    return str(problem or "It was not needed.") or type(problem).__name__


def error_message(response: Response) -> str:
    """The message in a response of any of the API's shapes."""
    data: Any = response.data
    error = data.get("error")
    if isinstance(error, dict):
        return f"{error.get('message', '')} {error.get('reason') or ''}".strip()
    faults = data.get("detail", "")
    if isinstance(faults, str):
        return faults
    return "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in faults)


def decoded(content: bytes, charset: str) -> str:
    """Decodes a form's text in its charset, or in Latin-1 if that fails; without lone surrogates.

    Args:
        content: The bytes.
        charset: A name that Python knows, though perhaps not a text encoding.
    """
    try:
        text = content.decode(charset)
    except (UnicodeError, LookupError):
        text = content.decode("latin-1")
    return text.encode("utf-8", "replace").decode()

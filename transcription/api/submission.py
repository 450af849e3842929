"""Shared by the routes that accept recordings and documents."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.api.clients import disconnect_check, turn_of_client
from transcription.api.errors import (
    ApiError,
    Invalid,
    detail,
    domain_error,
    missing,
    unreadable_audio,
)
from transcription.api.forms.multipart import (
    STALLED,
    DocumentPart,
    FilePart,
    Form,
    MediaPart,
    read_form,
)
from transcription.api.forms.parameters import parse_query, spec_of
from transcription.api.schema.responses import (
    MULTIPART,
    NO_PRIORITY,
    Answer,
    Schema,
    file,
    form,
    refusals,
)
from transcription.api.shapes import Detail, DomainError, Fault, HTTPValidationError
from transcription.api.shapes import Response as Queued
from transcription.media.errors import MediaError
from transcription.models import Job, TaskType
from transcription.services.audio_probe import measure, places
from transcription.services.jobs.submit import submit_intake
from transcription.services.options.priority import REFUSED, may_have, priority_named
from transcription.services.outbound.source_name import ALLOWED, has_extension
from transcription.services.places import ClientDisconnected
from transcription.services.sanitize import clean_text
from transcription.services.stages.documents import InvalidDocument
from uploads.errors import DiskFull, LengthRequired, TooLarge, TooManyRequests

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

JSON = [".json"]
LONGEST_NAME = 1024
RECORDING = "Audio or video in any supported format; the file name needs its extension."
TAKEN = {
    200: Answer("The task is queued.", Queued),
    400: Answer(
        "The form is malformed, a file extension is not accepted, the recording has no audio, "
        "or the callback URL doesn't answer.",
        Detail | DomainError,
    ),
    403: Answer(NO_PRIORITY, Detail),
    408: Answer(STALLED, Detail),
    422: Answer(
        "Parameters, parts or documents are invalid, or a URL is not allowed.",
        HTTPValidationError | Detail | DomainError,
    ),
    503: Answer(
        "The database or the upload store doesn't answer, or a download failed.",
        Detail | DomainError,
    ),
    **refusals(LengthRequired, TooLarge, TooManyRequests, DiskFull),
}
"""The responses of routes that accept recordings."""


class IntakeView(ApiView, Generic[M]):
    """A route that creates a job from its form.

    Attributes:
        parts: Names of the required parts, in the order of their faults.
        documents: Those of them that are JSON; all others are recordings.
    """

    tag = "Speech-2-Text services"
    answers = TAKEN
    parameters: type[M]
    parts: ClassVar[tuple[str, ...]] = ("file",)
    documents: ClassVar[tuple[str, ...]] = ()

    @property
    def forms(self) -> Mapping[str, Schema]:  # type: ignore[override]
        """The form as its parts are declared."""
        files = {
            name: file("A JSON file." if name in self.documents else RECORDING)
            for name in self.parts
        }
        return {MULTIPART: form(self.parts, **files)}

    def post(self, request: Request) -> Response:
        self.validate_early(request)
        parameters, faults = parse_query(self.parameters, request)
        judge_priority(request, parameters)

        def accepts(file_name: str) -> bool:
            return not faults and has_extension(file_name)

        media = set(self.parts) - set(self.documents)
        if media:
            places.check(turn_of_client(request))  # before gigabytes arrive that would be refused
        with read_form(request, media, self.documents, accepts) as form:
            faults += self.form_errors(form)
            if parameters is None or faults:
                raise Invalid(faults)
            return queued(self.take(request, parameters, form))

    def validate_early(self, request: Request) -> None:
        """Checks what takes precedence over all other faults.

        Raises:
            ApiError: The response, whatever else may be wrong with the request.
        """

    def form_errors(self, form: Form) -> list[Fault]:
        return [fault for name in self.parts for fault in faults_of_file(form, name)]

    def take(self, request: Request, parameters: M, form: Form) -> Job:
        """Creates the job of a form that has all its parts.

        Raises:
            ApiError: One of them can't be used.
        """
        raise NotImplementedError


def judge_priority(request: Request, parameters: BaseModel | None) -> None:
    """Refuses a priority that the user may not have.

    Raises:
        ApiError: 403.
    """
    wanted = priority_named(getattr(parameters, "priority", ""))
    if not may_have(request.user, wanted):
        raise ApiError(detail(403, REFUSED))


def faults_of_file(form: Form, name: str) -> list[Fault]:
    """The faults of a part that must be a file."""
    part = form.parts.get(name)
    if isinstance(part, FilePart):
        return []
    text = form.text(name)
    if not text:
        return [missing("body", name)]
    fault: Fault = {
        "type": "value_error",
        "loc": ["body", name],
        "msg": "Value error, Expected UploadFile, received: <class 'str'>",
        "input": text,
        "ctx": {"error": {}},
    }
    return [fault]


def queued(job: Job) -> Response:
    """The response to every request that became a job."""
    body: Queued = {"identifier": str(job.pk), "message": "Task queued"}
    return Response(body)


def wrong_extension(file_name: str, allowed: list[str]) -> Response:
    """The response to a file with the wrong extension."""
    known = ", ".join(repr(extension) for extension in allowed)
    return detail(400, f"Invalid file extension for file {file_name}. Allowed: {{{known}}}")


def recording_in(form: Form, name: str = "file") -> MediaPart:
    """The form's recording.

    Raises:
        ApiError: Its name has another extension.
    """
    part = form.parts[name]
    if isinstance(part, MediaPart):
        return part
    assert isinstance(part, FilePart)
    raise ApiError(wrong_extension(part.file_name, ALLOWED))


def document_in(form: Form, name: str) -> DocumentPart:
    """The form's JSON file.

    Raises:
        ApiError: Its name has another extension.
    """
    part = form.parts[name]
    assert isinstance(part, DocumentPart)
    if not part.file_name.lower().endswith(".json") or part.file_name.lower() == ".json":
        raise ApiError(wrong_extension(part.file_name, JSON))
    return part


def content_of(part: DocumentPart, read: Callable[[bytes], T], code: str, message: str) -> T:
    """The content of a document.

    Raises:
        ApiError: It is invalid.
    """
    try:
        return read(part.content())
    except InvalidDocument as problem:
        raise ApiError(domain_error(422, code, message, field=None)) from problem


def submit_measured(
    request: Request, part: MediaPart, task_type: TaskType, parameters: BaseModel, **facts: Any
) -> Job:
    """Creates the job of a recording after measuring its duration; the client waits for that.

    Args:
        request: Of the client that waits.
        part: The recording.
        task_type: What to do with it.
        parameters: The parsed query.
        facts: Further attributes of JobSpec.

    Raises:
        ApiError: It has no audio, or the client disconnected.
    """
    try:
        track = getattr(parameters, "audio_track", None)
        sound = measure(
            part.intake.path(), turn_of_client(request), disconnect_check(request), track
        )
    except MediaError as problem:
        raise ApiError(unreadable_audio(problem.message)) from problem
    except ClientDisconnected as problem:
        raise ApiError(detail(400, "The client disconnected.")) from problem
    known = {"file_name": shown_name(part.file_name), "audio_duration": sound.duration}
    job = submit_intake(spec_of(task_type, parameters, **known, **facts), part.intake)
    part.kept = True
    return job


def shown_name(file_name: str) -> str:
    """A client's name for a file as it was sent, but without folders, and with composed letters."""
    last = re.split(r"[/\\]", clean_text(file_name))[-1][-2 * LONGEST_NAME :]
    # The time to compose grows with the square of the number of marks on a letter.
    return unicodedata.normalize("NFC", last)[-LONGEST_NAME:]

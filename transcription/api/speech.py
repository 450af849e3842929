"""From a recording to a transcript with words and speakers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from rest_framework.request import Request

from transcription.api.clients import sender_of, turn_of_client
from transcription.api.errors import TEMPORARY, ApiError, domain_error, missing
from transcription.api.forms.callbacks import judge_callback
from transcription.api.forms.multipart import FilePart, Form, MediaPart
from transcription.api.schema.responses import MULTIPART, URLENCODED, form
from transcription.api.shapes import Fault
from transcription.api.submission import IntakeView, recording_in, submit_measured
from transcription.models import Job, TaskType
from transcription.services.audio_probe import places
from transcription.services.db_connection import release_connection
from transcription.services.options.parameters import FullParameters
from transcription.services.outbound.url_source import (
    Blocked,
    DownloadFailed,
    UnsupportedExtension,
    download,
)
from uploads.conf import conf

URL_FORM = form(["url"], url={"type": "string", "description": "The recording's URL."})


class SpeechToText(IntakeView[FullParameters]):
    """Transcribe a recording, with words and speakers.

    Options are only read from the query.
    """

    operation_id = "speech_to_text"
    tag = "Speech-2-Text"
    parameters = FullParameters

    def validate_early(self, request: Request) -> None:
        """Checks with HEAD that the receiver of the callback answers."""
        judge_callback(request)

    def take(self, request: Request, parameters: FullParameters, form: Form) -> Job:
        return submit_measured(request, recording_in(form), TaskType.FULL, parameters)


class SpeechToTextUrl(SpeechToText):
    """Transcribe a recording from a URL.

    The recording is downloaded while the request waits. Options are read from the query alone.
    """

    operation_id = "speech_to_text_url"
    calls_back = True
    parts: ClassVar[tuple[str, ...]] = ()
    forms = {URLENCODED: URL_FORM, MULTIPART: URL_FORM}

    def form_errors(self, form: Form) -> list[Fault]:
        part = form.parts.get("url")
        if isinstance(part, FilePart):
            return [no_text("url", part)]
        return [] if form.text("url") else [missing("body", "url")]

    def take(self, request: Request, parameters: FullParameters, form: Form) -> Job:
        url = form.text("url")
        places.check(turn_of_client(request))
        release_connection()
        with refusals(), download(url) as source:
            facts = source.facts
            part = MediaPart(facts.file_name, facts.content_type, sender_of(request._request))
            form.add("file", part)
            source.pour(part.intake.write, conf.UPLOADS_MAX_SIZE)
            part.end()
        return submit_measured(request, part, TaskType.FULL, parameters, url=url)


def no_text(name: str, part: FilePart) -> Fault:
    """The fault of a file instead of a text field."""
    return {
        "type": "string_type",
        "loc": ["body", name],
        "msg": "Input should be a valid string",
        "input": {"filename": part.file_name},
    }


@contextmanager
def refusals() -> Iterator[None]:
    """Converts errors of a download to responses."""
    try:
        yield
    except Blocked as problem:
        message = "The provided URL is not allowed."
        facts = {"field": None, "url": problem.url, "reason": problem.reason}
        raise ApiError(domain_error(422, "SSRF_BLOCKED", message, **facts)) from problem
    except UnsupportedExtension as problem:
        known = ", ".join(problem.allowed)
        answer = domain_error(
            422,
            "UNSUPPORTED_FILE_EXTENSION",
            f"File extension '{problem.extension}' is not supported. Allowed: {known}",
            field=None,
            filename=problem.filename,
            extension=problem.extension,
            allowed_extensions=list(problem.allowed),
        )
        raise ApiError(answer) from problem
    except DownloadFailed as problem:
        raise ApiError(domain_error(503, "FILE_DOWNLOAD_ERROR", TEMPORARY)) from problem

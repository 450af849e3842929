"""OpenAI's audio routes: the response to a recording is its transcript.

Each request creates a job and waits for its end. The job is cancelled if the client disconnects, or
after OPENAI_TIMEOUT.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.clients import disconnect_check, turn_of_client
from transcription.api.forms.multipart import read_form
from transcription.api.openai import models
from transcription.api.openai.base import OpenAIView
from transcription.api.openai.errors import REFUSALS, openai_error, refuse
from transcription.api.openai.form import read_asked, recording_of
from transcription.api.openai.requested import TranscriptionRequest, TranslationRequest, form_of
from transcription.api.openai.stream import streamed_transcript
from transcription.api.schema.responses import MULTIPART, Answer
from transcription.api.shapes import OpenAIError, OpenAIModel, OpenAIModels, OpenAITranscript
from transcription.api.submission import shown_name
from transcription.api.tasks import with_engine
from transcription.conf import conf
from transcription.formats import openai as written
from transcription.http.gradual_json import write_gradually
from transcription.languages import LANGUAGES
from transcription.media.errors import MediaError
from transcription.media.sniff import HEAD, problem_of
from transcription.models import Job, State
from transcription.services.audio_probe import measure, places
from transcription.services.jobs import transitions
from transcription.services.jobs.poll import follow
from transcription.services.jobs.submit import submit_intake
from transcription.services.places import ClientDisconnected
from transcription.services.stages.results import segments_of

TEXT, EVENTS = "text/plain", "text/event-stream"
PLAIN = f"{TEXT}; charset=utf-8"
NAMES = {"my": "myanmar", "nn": "nynorsk"}
"""Whisper's names of languages that differ from ours."""
NOBODY_WAITS = 499


class Unknown(OpenAIView):
    """Every other address below `/v1/`, whatever the method."""

    schema = None

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        return openai_error(404, f"Invalid URL ({request.method} {request.path})")

    head = options = http_method_not_allowed


class Models(OpenAIView):
    """Models that a request may name.

    OpenAI's own names, such as `whisper-1`, mean this site's default model.
    """

    operation_id = "openai_models"
    answers = {200: Answer("The models.", OpenAIModels)}

    def get(self, request: Request) -> Response:
        data = [models.described(name) for name in models.listed()]
        body: OpenAIModels = {"object": "list", "data": data}
        return Response(body)


class OneModel(OpenAIView):
    """One model.

    Whether requests may use it.
    """

    operation_id = "openai_model"
    answers = {
        200: Answer("Requests may use it.", OpenAIModel),
        404: Answer("There is no such model.", OpenAIError),
    }

    def get(self, request: Request, name: str) -> Response:
        if not models.exists(name):
            raise refuse(404, f"The model '{name}' does not exist", "model", "model_not_found")
        return Response(models.described(name))


class Transcriptions(OpenAIView):
    """Transcribe a recording and wait.

    Compatible with OpenAI's route. The request waits for the transcript; its job is cancelled
    after OPENAI_TIMEOUT.
    """

    operation_id = "openai_transcription"
    answers = {**REFUSALS, 200: Answer("The transcript.", OpenAITranscript, [TEXT, EVENTS])}
    forms = {MULTIPART: form_of(TranscriptionRequest)}
    task = "transcribe"

    def post(self, request: Request) -> HttpResponseBase:
        is_gone = disconnect_check(request)
        try:
            asked, job = self.take(request, is_gone)
            if asked.streams:
                return streamed_transcript(asked, job, is_gone)
            ended = wait(job, is_gone)
        except ClientDisconnected:
            return openai_error(NOBODY_WAITS, "The client disconnected; the job was cancelled.")
        answer = self.answer(asked, ended)
        if not conf.OPENAI_KEEP:
            transitions.delete(ended)
        models.tell_job(answer, ended)
        return with_engine(answer, ended)

    def take(
        self, request: Request, is_gone: Callable[[], bool]
    ) -> tuple[TranscriptionRequest, Job]:
        """Validates the form, and creates the job.

        Raises:
            ApiError: It is invalid.
            UploadError: This site can't store the recording.
            ClientDisconnected: The client has disconnected.
        """
        turn = turn_of_client(request)
        places.check(turn)  # before the recording arrives
        with read_form(request, media=("file",)) as form:
            asked, part = read_asked(form, self.task), recording_of(form)
            path = part.intake.path()
            with open(path, "rb") as file:
                head = file.read(HEAD)
            if reason := problem_of(part.file_name, head, len(head) < HEAD):
                raise refuse(400, f"Invalid file format. {reason}")
            try:
                measured = measure(path, turn, is_gone, asked.audio_track)
            except MediaError as problem:
                raise refuse(400, f"The audio file could not be decoded. {problem}") from problem
            spec = asked.spec(self.task, shown_name(part.file_name), measured.duration)
            job = submit_intake(spec, part.intake)
            part.kept = True
        return asked, job

    def answer(self, asked: TranscriptionRequest, job: Job) -> Response | HttpResponse:
        """The transcript in the requested format."""
        segments = segments_of(job)
        language = "en" if self.task == "translate" else job.language_used or job.language
        text = written.text_of(segments, language)
        if asked.response_format == "text":
            return HttpResponse(f"{text}\n", content_type=PLAIN)
        if asked.response_format in ("srt", "vtt"):
            subtitles = written.subtitles(asked.response_format, segments)
            return HttpResponse(subtitles, content_type=PLAIN)
        duration = job.audio_duration or 0.0
        usage = {"type": "duration", "seconds": math.ceil(duration)}
        if asked.response_format == "json":
            return Response({"text": text, "usage": usage})
        if asked.is_diarized:
            return diarized(job, text, duration, usage)
        body: dict[str, Any] = {
            "task": self.task,
            "language": NAMES.get(language, LANGUAGES.get(language, language).lower()),
            "duration": duration,
            "text": text,
        }
        if "segment" in asked.granularities:
            body["segments"] = written.detailed(segments, language, asked.temperature)
        if "word" in asked.granularities:
            body["words"] = written.words_of(segments)
        whole = "".join(write_gradually({**body, "usage": usage}))
        return HttpResponse(whole, content_type="application/json")


def diarized(job: Job, text: str, duration: float, usage: dict[str, Any]) -> HttpResponse:
    """The transcript with speakers; the note says why they may be unknown."""
    body = {
        "task": "transcribe",
        "duration": duration,
        "text": text,
        "segments": written.diarized(segments_of(job)),
        "usage": usage,
        **({"warnings": job.warnings} if job.warnings else {}),
    }
    return HttpResponse("".join(write_gradually(body)), content_type="application/json")


class Translations(Transcriptions):
    """Translate a recording into English and wait.

    Compatible with OpenAI's route. The request waits for the transcript; its job is cancelled
    after OPENAI_TIMEOUT.
    """

    operation_id = "openai_translation"
    answers = {**REFUSALS, 200: Answer("The transcript.", OpenAITranscript, [TEXT])}
    forms = {MULTIPART: form_of(TranslationRequest)}
    task = "translate"


def wait(job: Job, is_gone: Callable[[], bool]) -> Job:
    """The completed job.

    Raises:
        ApiError: It has failed, or took too long and was cancelled.
        ClientDisconnected: The client has disconnected; the job was cancelled.
    """
    deadline = time.monotonic() + conf.OPENAI_TIMEOUT
    try:
        for now in follow(job.pk):
            if now is None or now.state == State.CANCELLED:
                raise refuse(409, "The transcription was cancelled.", code="cancelled")
            if now.state == State.FAILED:
                raise refuse(500, now.error, code="transcription_failed")
            if not now.is_active:
                return now
            if is_gone():
                raise ClientDisconnected
            if time.monotonic() > deadline:
                message = (
                    f"The transcript was not ready after {conf.OPENAI_TIMEOUT} s (OPENAI_TIMEOUT), "
                    "so its job was cancelled. Upload long recordings by tus or /speech-to-text."
                )
                raise refuse(504, message, code="timeout")
    except BaseException:
        abandon_job(job)
        raise
    raise AssertionError("a job is followed until it is gone")


def abandon_job(job: Job) -> None:
    """Cancels the job after its client disconnected, and deletes it if it need not be kept."""
    transitions.cancel(job)
    if not conf.OPENAI_KEEP:
        transitions.delete(job)

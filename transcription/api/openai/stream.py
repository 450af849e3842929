"""Transcripts as Server-Sent Events, which OpenAI's clients read during transcription."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.response import Response

from transcription.api.openai.errors import openai_error
from transcription.api.openai.models import model_of, tell_job
from transcription.api.openai.requested import TranscriptionRequest
from transcription.conf import conf
from transcription.formats import openai as written
from transcription.models import Job, StageOutput, State
from transcription.services.db_connection import release_connection
from transcription.services.jobs import transitions
from transcription.services.jobs.poll import follow
from transcription.services.stages import chunks
from transcription.services.stages.results import output_of, segments_of

logger = logging.getLogger(__name__)

DELTA, DONE, FAULT = "transcript.text.delta", "transcript.text.done", "error"
SILENCE = 10.0
"""Seconds without an event after which a comment keeps the connection alive: proxies and clients
close a silent connection after a minute or less.
"""
UNFORESEEN = "An internal error occurred; see the server's log."


def streamed_transcript(
    asked: TranscriptionRequest, job: Job, is_gone: Callable[[], bool]
) -> StreamingHttpResponse:
    """The response to a request with `stream`: it begins at once and ends with the transcript.

    Args:
        asked: The request.
        job: Its job, which is cancelled if the client disconnects before the end.
        is_gone: Whether the client has disconnected.
    """
    response = StreamingHttpResponse(
        Reading(asked, job, is_gone).events(), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"  # nginx would collect many events before sending them
    tell_job(response, job)
    return response


class Reading:
    """One streaming client."""

    def __init__(self, asked: TranscriptionRequest, job: Job, is_gone: Callable[[], bool]) -> None:
        self.asked = asked
        self.job = job
        self.is_gone = is_gone
        self.sent = 0  # segments of the transcription
        self.read = 0  # chunks of it
        self.comment = ""
        self.spoke = 0.0  # time of the last event or comment
        self.has_text = False
        self.has_ended = False

    def events(self) -> Iterator[str]:
        """All events. Errors are events, too: the status has been sent already."""
        try:
            yield from self.until_the_end()
        except Exception:
            logger.exception("job %s", self.job.pk, extra={"job_id": self.job.pk})
            yield error_event(openai_error(500, UNFORESEEN))
        finally:  # also if the client disconnects, or the server stops
            try:
                if not self.has_ended:  # after its end it may be running again
                    transitions.cancel(self.job)
            finally:
                if not conf.OPENAI_KEEP:
                    transitions.delete(self.job)

    def until_the_end(self) -> Iterator[str]:
        """Texts as they come, heartbeats in between, and the rest at the end."""
        for now in follow(self.job.pk):
            self.has_ended = now is None or not now.is_active
            if now is None or now.state == State.CANCELLED:
                message = "The transcription was cancelled."
                yield error_event(openai_error(409, message, code="cancelled"))
                return
            if now.state == State.FAILED:
                yield error_event(openai_error(500, now.error, code="transcription_failed"))
                return
            if not now.is_active:
                yield from self.rest(now)
                return
            if self.is_gone():
                return
            if news := "".join(self.new_texts()) or self.sign_of_life(now):
                self.spoke = time.monotonic()
                release_connection()  # the client may be slow
                yield news

    def new_texts(self) -> Iterator[str]:
        """Texts of segments that were recognised since the last look."""
        for chunk in chunks.since(self.job.pk, self.read):
            if chunk.number != self.read:  # one is missing: the end sends it
                return
            self.read += 1
            for segment in chunk.segments:
                yield self.delta(str(segment["text"]), chunk.language)

    def delta(self, text: str, language: str) -> str:
        """The text of the next segment as an event; joined, they are the whole text. Empty for
        no text."""
        self.sent += 1
        if not (text := text.strip()):
            return ""
        before = written.blank(language) if self.has_text else ""
        self.has_text = True
        return event({"type": DELTA, "delta": before + text})

    def sign_of_life(self, now: Job) -> str:
        """A comment, which clients ignore, if nothing was sent for long or the stage is new.

        Empty: none is due.
        """
        doing = now.get_stage_display()
        if doing == self.comment and time.monotonic() - self.spoke < SILENCE:
            return ""
        self.comment = doing
        return f": {doing}, {int(now.percent)} %\n\n"

    def rest(self, ended: Job) -> Iterator[str]:
        """The texts not sent yet, the segments with their speakers, and the whole text."""
        segments = segments_of(ended)
        language = ended.language_used or ended.language
        kept = output_of(ended, StageOutput.Name.TRANSCRIBE) or {}
        release_connection()  # everything is read, and the client may be slow
        for segment in (kept.get("segments") or [])[self.sent :]:
            if said := self.delta(str(segment["text"]), language):
                yield said
        if self.asked.is_diarized:
            for segment in written.diarized(segments):
                yield event(segment)
        text = written.text_of(segments, language)
        facts: dict[str, Any] = {"model": model_of(ended), "engine": ended.engine_used}
        if ended.warnings:
            facts["warnings"] = ended.warnings
        yield event({"type": DONE, "text": text, **facts})


def event(data: dict[str, Any], kind: str = "") -> str:
    """One event as text; its type is the default name."""
    return f"event: {kind or data['type']}\ndata: {json.dumps(data)}\n\n"


def error_event(answer: Response) -> str:
    """An error as an event, which OpenAI's clients raise as an exception."""
    return event(answer.data or {}, FAULT)

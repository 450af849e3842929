"""Somebody who has recordings in every state, and a browser before them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

SHOTS = os.environ.get("SCREENSHOTS")  # a directory, to look at what people see
NAME, PASSWORD = "reader", "a long word for reading"
FILL = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from tests.speech.recordings import GO_FORWARD
from tests.transcription.building import make_upload
from transcription.models import Job, State, Transcript

reader = User.objects.get(username="reader")
LONG = "2026-11-28_Board_meeting_of_the_Association_for_the_Care_of_Old_Railways_part_1_of_3.flac"
SAID = ["Good morning, and thank you for coming on such short notice.", "Yes.",
        "Before we begin I would like to say a few words about the minutes of the last meeting, "
        "which most of you have received by post; those who have not may take one from the table."]
for number, state in enumerate([*State, *[State.FAILED] * 40]):
    ended = state in (State.COMPLETED, State.WARNINGS)
    upload = make_upload(GO_FORWARD.read_bytes() if ended else b"", owner=reader)
    job = Job.objects.create(
        owner=reader, upload=upload, state=state, engine="faster-whisper",
        file_name=LONG if ended else "lecture.wav" if state in (State.QUEUED, State.PROCESSING)
        else f"{'Größe' if number % 2 else 'size'} {number:02}.wav",
        engine_used="faster-whisper" if ended else "", audio_duration=3671 if ended else None,
        language_used="en" if ended else "", media_type="audio/flac",
        has_video=state == State.WARNINGS,  # a player of videos plays sound, too
        error="The file is damaged." if state == State.FAILED else "",
        warnings=["Speakers could not be told apart."] if state == State.WARNINGS else [],
        created=timezone.now() - timedelta(days=9, minutes=number),
        queued=timezone.now() + timedelta(days=9),
        lease_expires=timezone.now() + timedelta(days=9) if state == State.PROCESSING else None,
    )
    if ended:
        Transcript.objects.create(job=job, segments=[
            {"start": 3.0 * at, "end": 3.0 * at + 3, "text": SAID[at % 3],
             "speaker": f"SPEAKER_0{at // 3 % 2}"}
            for at in range(600 if state == State.COMPLETED else 60)])
    if number < len(State):
        print(state.value, job.pk)
"""


@contextmanager
def opened(
    chromium: Browser, cookies: Sequence[Any] = (), width: int = 1200, **options: Any
) -> Iterator[Page]:
    """A page of this width, with a finger's pointer where it is narrow."""
    touch: dict[str, Any] = {"is_mobile": True, "has_touch": True} if width < 1000 else {}
    viewport: Any = {"width": width, "height": 844}
    context = chromium.new_context(viewport=viewport, **touch, **options)
    context.add_cookies([*cookies])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if is_bad(message) else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield page
    context.close()
    assert not complaints, complaints


def is_bad(said: ConsoleMessage) -> bool:
    """Whether the console tells of what should not be."""
    # Uppy and the browser themselves report answers that say no.
    expected = ("net::ERR", "Failed to load resource", "[Uppy]")
    return said.type == "error" and not any(word in said.text for word in expected)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))

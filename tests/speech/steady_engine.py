"""An engine that hears one sentence a second, and gives each as soon as it is there."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.speech.able_engine import Able
from transcription.engines.base import (
    TRANSCRIBE,
    Capabilities,
    Chunk,
    ChunkProgress,
    Request,
    ShouldStop,
    Transcription,
)
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

PACE = 0.5
"""Seconds of work for one second of sound."""


class Steady(Able):
    name = "steady"

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), label="Steady", words=True, stages=(TRANSCRIBE,))

    def transcribe(  # type: ignore[override] # as engines do, whose progress takes chunks
        self,
        audio: Audio,
        request: Request,
        on_progress: ChunkProgress,
        should_stop: ShouldStop,
    ) -> Transcription:
        chunks = list(on_progress.kept)
        for second in range(len(chunks), int(audio.duration)):
            for _ in range(10):
                time.sleep(PACE / 10)
                on_progress(float(second))
                if should_stop():
                    raise Cancelled
            said = {"start": second, "end": second + 1, "text": sentence(second)}
            chunks.append(Chunk(second, second + 1, [said], request.language or "en"))
            on_progress.keep(chunks[-1:])
        segments = [segment for chunk in chunks for segment in chunk.segments]
        return Transcription(segments, request.language or "en")


def sentence(second: int) -> str:
    """What it hears in this second."""
    return f"This is second {second}."

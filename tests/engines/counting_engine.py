"""An engine that streams, and gives the hash of each five seconds as their text."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.speech.able_engine import Able
from transcription.engines.base import (
    Capabilities,
    Chunk,
    ChunkProgress,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)
from transcription.media.errors import Cancelled
from transcription.media.pcm import BYTES_PER_SECOND

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

PLACE = f"{__name__}:Counting"
SECONDS = 5
AHEAD = 3
"""Chunks that are read before the first of them is reported, as batches are."""

NEEDS_FILE = "needs_file"
"""An option: it needs samples at any place."""


class Counting(Able):
    name = "counting"

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), label="Counting", streams=True)

    def transcribe(  # type: ignore[override]
        self, audio: Audio, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> Transcription:
        segments: list[Segment] = [one for chunk in on_progress.kept for one in chunk.segments]
        start = on_progress.kept[-1].end if on_progress.kept else 0.0
        waiting: list[Chunk] = []
        data = bytearray()
        if request.options.get(NEEDS_FILE):
            audio.ensure_file()
        for block in audio.stream(start):
            if should_stop():
                raise Cancelled
            data += block
            while len(data) >= SECONDS * BYTES_PER_SECOND:
                piece = bytes(data[: SECONDS * BYTES_PER_SECOND])
                del data[: len(piece)]
                text = hashlib.sha256(piece).hexdigest()
                segments.append({"start": start, "end": start + SECONDS, "text": text})
                waiting.append(Chunk(start, start + SECONDS, [segments[-1]], "en"))
                start += SECONDS
                if len(waiting) > AHEAD:
                    on_progress.keep([waiting.pop(0)])
                on_progress(start)
        return Transcription(segments, "en")

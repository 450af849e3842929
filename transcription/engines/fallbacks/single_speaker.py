"""Fallback diarization: all speech is assigned to one speaker."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from transcription.engines.base import (
    DIARIZE,
    TRANSCRIBE,
    Capabilities,
    Diarization,
    Progress,
    Request,
    ShouldStop,
)
from transcription.media.errors import Cancelled
from transcription.media.pcm import BYTES_PER_SECOND, RATE

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio

CHAPTER = 60.0
"""Seconds per call, a quarter of a second of work: a call can't be interrupted."""
PAUSE = 0.5
"""Seconds without speech that end a turn."""
NOTE = "No engine here can tell speakers apart: all speech is assigned to one speaker, SPEAKER_00."
TOO_FEW = "At least {} speakers were requested, but no engine here can tell speakers apart."


class SingleSpeakerDiarizer:
    """The Silero voice detector that comes with faster-whisper."""

    name = "voice-activity"

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="voice activity",
            quality="Finds speech, but assigns all of it to one speaker.",
            languages=None,
            words=False,
            translation=False,
            needs_download=False,
            stages=(DIARIZE,),
            streams=True,
        )

    def installation_error(self) -> str:
        """Why the fallback can't run; "" if it can."""
        if find_spec("faster_whisper") is None:
            return "The package faster-whisper, which brings the voice detector, is not installed."
        return ""

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """Its model is part of the package."""
        return ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        return self.installation_error()

    def device(self, request: Request) -> str:
        return "cpu"

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        turns: list[list[float]] = []
        for start, end in _speech(audio, on_progress, should_stop):
            if turns and start - turns[-1][1] < PAUSE:  # split by the end of a chapter
                turns[-1][1] = end
            else:
                turns.append([start, end])
        least = request.options.get("min_speakers") or 0
        return Diarization(
            [
                {"label": "A", "speaker": "SPEAKER_00", "start": start, "end": end}
                for start, end in turns
            ],
            NOTE if turns else "",
            [TOO_FEW.format(least)] if least > 1 else [],
        )


def _speech(
    audio: Audio, on_progress: Progress, should_stop: ShouldStop
) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of each part with speech, chapter by chapter."""
    import numpy
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=round(PAUSE * 1000), speech_pad_ms=100)
    start = 0.0
    for block in audio.blocks(CHAPTER):
        if should_stop():
            raise Cancelled
        end = start + len(block) / BYTES_PER_SECOND
        if block.strip(b"\0"):
            samples = numpy.frombuffer(block, "<i2").astype(numpy.float32) / 32768.0
            for found in get_speech_timestamps(samples, options):
                first, last = (start + found[key] / RATE for key in ("start", "end"))
                yield round(first, 3), round(min(last, end), 3)
        start = end
        on_progress(start)

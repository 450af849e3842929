"""WhisperX's diarization: pyannote's pipeline over the whole recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transcription.engines.base import Diarization, EngineError, Progress, Request, ShouldStop, Turn
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.engines.whisperx.models import Models
    from transcription.media.pcm import Audio

MOST_SPEAKERS = 255  # pyannote counts them in one byte
TOO_FEW = "At least {} speakers were requested, but only {} were found."


def diarize(
    kept: Models, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
) -> Diarization:
    """Finds who speaks when.

    Raises:
        EngineError: It can't be done.
        Cancelled: should_stop() returned True.
    """
    least, most = bounds(request)

    def progress(percent: float) -> None:
        on_progress(audio.duration * min(float(percent), 100.0) / 100)
        if should_stop():
            raise Cancelled

    pipeline = kept.diarizer(request)
    if should_stop():
        raise Cancelled
    found = pipeline(
        audio.samples(), min_speakers=least, max_speakers=most, progress_callback=progress
    )
    turns = [_turn(row, audio.duration) for row in found.itertuples(index=False)]
    speakers = len({turn["speaker"] for turn in turns})
    few = turns and least and speakers < least
    return Diarization(turns, warnings=[TOO_FEW.format(least, speakers)] if few else [])


def bounds(request: Request) -> tuple[int | None, int | None]:
    """The minimum and maximum number of speakers; None: any number.

    Raises:
        EngineError: No number fits both.
    """
    least, most = (request.options.get(name) for name in ("min_speakers", "max_speakers"))
    least = None if least is None else min(max(1, int(least)), MOST_SPEAKERS)
    most = None if most is None else min(max(1, int(most)), MOST_SPEAKERS)
    if least and most and least > most:
        message = f"There cannot be at least {least} and at most {most} speakers."
        raise EngineError("speakers", message)
    return least, most


def _turn(row: Any, duration: float) -> Turn:
    return {
        "label": str(row.label),
        "speaker": str(row.speaker),
        "start": round(min(max(float(row.start), 0.0), duration), 3),
        "end": round(min(max(float(row.end), 0.0), duration), 3),
    }

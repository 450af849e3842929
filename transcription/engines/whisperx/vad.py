"""Finds speech, by one of two detectors, and joins it to chunks for Whisper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

    from transcription.engines.whisperx.models import Models

PYANNOTE, SILERO = "pyannote", "silero"
DEFAULT_CHUNK = 30
ONSET, OFFSET = 0.5, 0.363


def chunks_of(
    samples: numpy.ndarray,
    kept: Models,
    options: Mapping[str, Any],
    on_share: Callable[[float], None],
) -> list[dict[str, Any]]:
    """Chunks of speech, {"start", "end", ...} in seconds, at most `chunk_size` long.

    Args:
        samples: The audio.
        kept: Where the detector is kept.
        options: By their names in the API.
        on_share: Called with the finished share, 0 to 1; what it raises ends the search.
    """
    onset = _between(options.get("vad_onset", ONSET), 0.01, 0.99)
    offset = _between(options.get("vad_offset", OFFSET), 0.001, 0.98)
    chunk = max(5, min(int(options.get("chunk_size") or DEFAULT_CHUNK), 30))
    if options.get("vad_method") == SILERO:
        found, merge = _silero(samples, chunk, onset, offset)
    else:
        found, merge = _pyannote(samples, kept.voice_detector(), on_share)
    on_share(1.0)
    chunks: list[dict[str, Any]] = merge(found, chunk, onset=onset, offset=offset)
    return chunks


def _pyannote(samples: numpy.ndarray, detector: Any, on_share: Callable[[float], None]) -> Any:
    """whisperx's default: its model comes with the package."""

    def heard(completed: int, total: int) -> None:
        on_share(min(completed / total, 1.0))

    file = {"waveform": detector.preprocess_audio(samples), "sample_rate": RATE}
    # The pipeline around it would otherwise hide the progress.
    scores = detector.vad_pipeline._segmentation(file, hook=heard)
    return scores, detector.merge_chunks


def _silero(samples: numpy.ndarray, chunk: int, onset: float, offset: float) -> Any:
    """The model that comes with faster-whisper: whisperx itself would download one.

    Pauses and padding are those that whisperx uses with it.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps
    from whisperx.diarize import Segment
    from whisperx.vads import Silero

    wanted = VadOptions(
        threshold=onset,
        neg_threshold=min(offset, onset),
        max_speech_duration_s=chunk,
        min_speech_duration_ms=250,
        min_silence_duration_ms=100,
        speech_pad_ms=30,
    )
    found = [
        Segment(speech["start"] / RATE, speech["end"] / RATE, "UNKNOWN")
        for speech in get_speech_timestamps(samples, wanted)
    ]
    return found, Silero.merge_chunks


def _between(value: Any, least: float, most: float) -> float:
    """The value within limits; the minimum if it isn't a number."""
    return min(max(least, float(value)), most)

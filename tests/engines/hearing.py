"""What is heard of a file."""

from __future__ import annotations

from pathlib import Path

from tests.speech import recordings
from transcription.media.decode import decode
from transcription.media.pcm import Audio
from transcription.media.probe import probe

LENGTH = 2.786
MIDDLE = 0.89  # second at which half of the sentence's energy has passed


def decoded(path: Path, audio_track: int | None = None) -> Audio:
    pcm = path.with_suffix(".pcm")
    with pcm.open("wb") as file:
        return Audio(pcm, decode(path, file.write, media=probe(path, audio_track)))


def middle_of(audio: Audio) -> float:
    energy = (audio.samples() ** 2).cumsum()
    return float((energy < energy[-1] / 2).sum()) / recordings.RATE

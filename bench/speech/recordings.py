"""Long recordings made of clips, always the same ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.speech.clips import KINDS, RATE, Sound, write_wave

SEED = 15
PAUSES = (0.2, 3.0)
"""Seconds of silence between two clips: at least and at most."""
MIXES = {"clean": ("read",), "conversation": KINDS}
"""The recordings by name, and the kinds of clips in each."""
TITLES = {"clean": "clean speech", "conversation": "with conversation"}


@dataclass(frozen=True)
class Recording:
    """A file to be transcribed.

    Attributes:
        seconds: Its length.
        text: What is said in it.
    """

    name: str
    path: Path
    seconds: float
    text: str


def make_recording(
    name: str, sounds: Sequence[Sound], minutes: float, folder: Path, seed: int = SEED
) -> Recording:
    """A WAV file of at least so many minutes: it ends with a whole clip."""
    fitting = [sound for sound in sounds if sound.clip.kind in MIXES[name]]
    chosen = list(in_order(fitting, minutes * 60, random.Random(seed)))
    samples = b"".join(silence(pause) + sound.samples for pause, sound in chosen)
    path = folder / f"{name}-{minutes:g}.wav"
    write_wave(path, samples)
    text = " ".join(sound.clip.text for _, sound in chosen)
    return Recording(name, path, len(samples) / 2 / RATE, text)


def in_order(
    sounds: Sequence[Sound], seconds: float, chance: random.Random
) -> Iterator[tuple[float, Sound]]:
    """Clips, each after a pause: all of them in a shuffled order, then again in another one."""
    length = 0.0
    while length < seconds:
        for sound in chance.sample(sounds, len(sounds)):
            pause = chance.uniform(*PAUSES)
            length += pause + sound.seconds
            yield pause, sound
            if length >= seconds:
                return


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))

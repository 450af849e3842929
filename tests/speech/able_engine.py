"""An engine that can do everything, and says the same of every recording.

`ABLE_ENGINE_CLOSED` names a file: as long as it is there, speakers are not told apart.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcription.engines.base import (
    STAGES,
    TRANSCRIBE,
    Alignment,
    Capabilities,
    Diarization,
    EngineError,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)
from transcription.engines.models import KNOWN

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio

ROOT = Path(__file__).resolve().parents[2]
CLOSED = "ABLE_ENGINE_CLOSED"
TEXTS = (("Good morning. Hello, shall we go on?", 0.0, 1.7), ("Yes.", 2.0, 2.4))
TRANSLATED = (("That is English now.", 0.0, 2.4),)
PACE = 0.25
"""Seconds that each word takes, from the beginning of its segment on."""
TURNS = (("SPEAKER_00", 0.0, 0.5), ("SPEAKER_01", 0.5, 1.8), ("SPEAKER_00", 1.9, 2.5))


class Able:
    name = "able"

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="Able",
            quality="Says the same of everything.",
            languages=("en", "lv", "de"),
            words=False,
            translation=True,
            needs_download=False,
            models=tuple(KNOWN),
            stages=STAGES,
        )

    def installation_error(self) -> str:
        return ""

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        return ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        return ""

    def device(self, request: Request) -> str:
        return "cpu"

    def load(self, request: Request) -> None:
        pass

    def transcribe(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Transcription:
        texts = TRANSLATED if request.task == "translate" else TEXTS
        said = [{"start": start, "end": end, "text": text} for text, start, end in texts]
        return Transcription(said, request.language or "en")

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        return Alignment([{**one, "words": _words(one)} for one in segments])

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        if Path(os.environ.get(CLOSED) or "/").is_file():
            raise EngineError("gated", "Its model is given away on conditions: set HF_TOKEN.")
        turns = TURNS[:1] if request.options.get("max_speakers") == 1 else TURNS
        return Diarization(
            [{"label": "A", "speaker": who, "start": a, "end": b} for who, a, b in turns]
        )


class Plain(Able):
    """An engine that can do little: it transcribes English, and has no models."""

    name = "plain"

    def capabilities(self) -> Capabilities:
        return Capabilities("Plain", "Says little.", ("en",), True, False, needs_download=False)


def _words(segment: Segment) -> list[dict[str, Any]]:
    first = segment["start"]
    return [
        {
            "word": word,
            "start": round(first + at * PACE, 3),
            "end": round(first + (at + 1) * PACE, 3),
            "score": 0.9,
        }
        for at, word in enumerate(segment["text"].split())
    ]


def environment(
    folder: Path, place: str = f"{__name__}:Able", name: str = Able.name
) -> dict[str, str]:
    """Variables with which every Python process knows the engine, as a line in the registry would.

    Args:
        folder: An empty one.
        place: The engine's module and class.
        name: Its name.
    """
    line = f"from transcription.engines import registry\nregistry.ENGINES[{name!r}] = {place!r}\n"
    (folder / "sitecustomize.py").write_text(line)
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "ENGINE": name}

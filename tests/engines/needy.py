"""An engine that downloads what its later stages need, and says what it found there."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines import hub
from tests.speech.able_engine import Able
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    TRANSCRIBE,
    Alignment,
    Capabilities,
    Diarization,
    Progress,
    Request,
    Segment,
    ShouldStop,
)
from transcription.engines.model_files import assets

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

PLACE = f"{__name__}:Needy"
ALIGNER = "somebody/aligner"
DIARIZER = "somebody/diarizer"
PAGE = "https://huggingface.co/somebody/diarizer"


def punkt() -> assets.Asset:
    """From an address below that of the hub."""
    source = replace(assets.punkt().source, url=f"{os.environ['HF_ENDPOINT']}/plain/punkt_tab.zip")
    return replace(assets.punkt(), source=source)


class Needy(Able):
    """The engine. Its card is one that nobody has."""

    name = "needy"

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), label="Needy")

    def assets(self, request: Request, stage: str) -> tuple[assets.Asset, ...]:
        if stage == ALIGN:
            language = request.language or ""
            # Nobody has one for German.
            repository = "missing/aligner" if language == "de" else ALIGNER
            label = f"the aligner for {language}"
            return (assets.hub_aligner(repository, language, label), punkt())
        return (assets.diarizer(DIARIZER),) if stage == DIARIZE else ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        lacking = assets.missing(request.models_dir, self.assets(request, stage))
        return f"{lacking[0].label} is missing" if lacking else ""

    def device(self, request: Request) -> str:
        return "cuda" if request.device == "cuda" else "cpu"

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        folders = [assets.directory(request.models_dir, one) for one in self.assets(request, ALIGN)]
        files = sorted(path.name for folder in folders for path in folder.rglob("*.*"))
        return replace(
            super().align(audio, segments, request, on_progress, should_stop),
            note=f"with {', '.join(files)}",
        )

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        return replace(super().diarize(audio, request, on_progress, should_stop), note="needy!")


def repositories(folder: Path) -> dict[str, Path]:
    """What a hub has for it."""
    aligner, diarizer = folder / "aligner", folder / "diarizer"
    for place, content in (
        (aligner / "config.json", b"{}"),
        (aligner / "vocab.json", b"{}"),
        (aligner / "model.safetensors", bytes(range(256)) * 4000),
        (aligner / "pytorch_model.bin", b"the same again, as pickle"),
        (aligner / "README.md", b"read me"),
        (diarizer / ".gitattributes", b"x"),
        (diarizer / "config.yaml", b"pipeline: {}"),
        (diarizer / "segmentation" / "pytorch_model.bin", b"weights"),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return {ALIGNER: aligner, DIARIZER: diarizer}


def punkt_zip(folder: Path) -> Path:
    """A folder with NLTK's data as NLTK packs them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("punkt_tab/english/collocations.tab", "")
        archive.writestr("punkt_tab/README", "sentences")
    folder.mkdir(exist_ok=True)
    (folder / "punkt_tab.zip").write_bytes(packed.getvalue())
    return folder


@contextmanager
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Hub]:
    """A hub that has all of it, which the processes of the test know."""
    with hub.serving(folder) as server:
        server.repositories = repositories(folder / "hub")
        server.plain = punkt_zip(folder / "plain")
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server

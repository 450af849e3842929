"""The fallback for English whose model is on every machine: faster-whisper with tiny.en."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from transcription.engines import registry
from transcription.engines.base import (
    TRANSCRIBE,
    Capabilities,
    ChunkProgress,
    Request,
    ShouldStop,
    Transcription,
)
from transcription.engines.faster_whisper.engine import FasterWhisper
from transcription.engines.model_files import built_in

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio


class BuiltInModel(FasterWhisper):
    """Takes the place of a model that can't be downloaded, under a name of its own."""

    name = "built-in"

    def capabilities(self) -> Capabilities:
        return replace(
            super().capabilities(),
            label=f"Whisper {built_in.NAME} (built in)",
            quality="Draft quality, English only. Needs no network.",
            languages=("en",),
            translation=False,
            needs_download=False,
            models=(built_in.NAME,),
        )

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """Its model comes with the site's packages."""
        return ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        if request.language not in (None, "en"):
            return f'The built-in model knows English only, not "{request.language}".'
        return super().readiness_error(request, stage)

    def load(self, request: Request) -> None:
        """Into the engine that it shares, which keeps one model in memory."""
        _shared().load(request)

    def transcribe(
        self, audio: Audio, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> Transcription:
        return _shared().transcribe(audio, request, on_progress, should_stop)


def _shared() -> FasterWhisper:
    return cast(FasterWhisper, registry.get(FasterWhisper.name))

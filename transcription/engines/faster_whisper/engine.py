"""faster-whisper: Whisper models run by CTranslate2, on CPU or NVIDIA GPU."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcription.engines import models
from transcription.engines.base import (
    TRANSCRIBE,
    Capabilities,
    ChunkProgress,
    EngineError,
    Request,
    ShouldStop,
    Transcription,
)
from transcription.engines.faster_whisper.chunked import ChunkedRun
from transcription.engines.faster_whisper.language import check_language
from transcription.engines.faster_whisper.loaded_model import LoadedModel
from transcription.engines.faster_whisper.sequential import SequentialRun

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio


class FasterWhisper:
    """The engine. The last model used stays loaded."""

    name = "faster-whisper"

    def __init__(self) -> None:
        self._memory = LoadedModel()

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="faster-whisper",
            quality="Whisper's quality: the larger the model, the better and slower.",
            languages=None,
            words=True,
            translation=True,
            needs_download=True,
            models=(*models.KNOWN, *models.ALIASES, *models.TRUSTED),
            streams=True,
        )

    def installation_error(self) -> str:
        return "" if find_spec("faster_whisper") else "The package faster-whisper is not installed."

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """The Whisper model, unless it is one of the site's own folders."""
        if stage != TRANSCRIBE or models.is_path(request.model):
            return ()
        return (models.asset(request.model),)

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        if reason := self.installation_error():
            return reason
        if problem := models.folder_problem(Path(request.model_path or ".")):
            return f'The model "{request.model}" is not usable: {problem}.'
        return ""

    def device(self, request: Request) -> str:
        """The GPU if there is one and it was requested, else the CPU."""
        return _hardware(request)[0]

    def load(self, request: Request) -> None:
        if reason := self.readiness_error(request):
            raise EngineError("model_unusable", reason)
        self._memory.load(request, *_hardware(request))

    def model(self, request: Request) -> Any:
        """The library's model, in memory.

        Raises:
            EngineError: It can't be loaded.
        """
        self.load(request)
        return self._memory.model

    def transcribe(
        self,
        audio: Audio,
        request: Request,
        on_progress: ChunkProgress,
        should_stop: ShouldStop,
    ) -> Transcription:
        self.load(request)
        check_language(self._memory.model, request)
        if request.options.get("condition_on_previous_text"):
            run = SequentialRun(self._memory.model, request, on_progress, should_stop)
            return run.transcribe(audio)
        return ChunkedRun(self._memory, request, on_progress, should_stop).transcribe(audio)


def _hardware(request: Request) -> tuple[str, str]:
    """The device and number format that this machine really has."""
    import ctranslate2

    cards = ctranslate2.get_cuda_device_count()
    device = "cuda" if request.device in ("auto", "cuda") and cards else "cpu"
    supported = ctranslate2.get_supported_compute_types(device)
    best = "float16" if device == "cuda" else "int8"
    wanted = best if request.compute_type in ("default", "auto", "") else request.compute_type
    if wanted not in supported:
        wanted = best if best in supported else "default"
    return device, wanted

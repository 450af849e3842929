"""WhisperX: Whisper in batches, word alignment by wav2vec2, diarization by pyannote."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from transcription.engines import models
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    STAGES,
    TRANSCRIBE,
    Alignment,
    Capabilities,
    ChunkProgress,
    Diarization,
    EngineError,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)
from transcription.engines.model_files import assets
from transcription.engines.whisperx import aligners
from transcription.engines.whisperx.vad import SILERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transcription.engines.whisperx.models import Models
    from transcription.media.pcm import Audio

PACKAGES = ("whisperx", "torch", "torchaudio", "transformers", "pyannote")


class WhisperX:
    """The engine. The last used Whisper model, aligner and diarizer stay loaded."""

    name = "whisperx"

    def __init__(self) -> None:
        self._kept: Models | None = None

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="WhisperX",
            quality="Whisper's quality, with exact times of words and with speakers.",
            languages=None,
            words=False,
            translation=True,
            needs_download=True,
            models=(*models.KNOWN, *models.ALIASES, *models.TRUSTED),
            stages=STAGES,
        )

    def installation_error(self) -> str:
        missing = [name for name in PACKAGES if find_spec(name) is None]
        if not missing:
            return ""
        return (
            f"WhisperX is not installed here: there is no package {missing[0]} "
            "(pip install -r requirements-whisperx.lock)."
        )

    def assets(self, request: Request, stage: str) -> tuple[assets.Asset, ...]:
        """A Whisper model, an aligner and sentence data, or the diarization pipeline."""
        if stage == DIARIZE:
            return (assets.diarizer(),)
        if stage == ALIGN:
            aligner = aligners.asset(request)
            if aligner:
                return (aligner, assets.punkt())
            own = aligners.folder_of(aligners.wanted(request))
            return (assets.punkt(),) if own else ()
        return () if models.is_path(request.model) else (models.asset(request.model),)

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        if reason := self.installation_error():
            return reason
        if stage == ALIGN:
            return aligners.problem(request)
        if stage == DIARIZE:
            found = assets.problem(request.models_dir, assets.diarizer())
            return f"{assets.DIARIZER} is not available: {found}." if found else ""
        if found := models.folder_problem(Path(request.model_path or ".")):
            return f'The model "{request.model}" is not usable: {found}.'
        return ""

    def device(self, request: Request) -> str:
        """A GPU if there is one that all stages can use and it was requested."""
        return self._models(request).device

    def load(self, request: Request) -> None:
        """Loads the Whisper model and the voice detector into memory."""
        self._check(request, TRANSCRIBE)
        kept = self._models(request)
        kept.whisper(request)
        if request.options.get("vad_method") != SILERO:
            kept.voice_detector()

    def transcribe(
        self, audio: Audio, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> Transcription:
        """Turns audio into timed text, without word times."""
        from transcription.engines.whisperx.transcribing import transcribe

        self._check(request, TRANSCRIBE)
        return transcribe(self._models(request), audio, request, on_progress, should_stop)

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        """Finds the time of each word; segments become sentences."""
        from transcription.engines.whisperx.aligning import align

        self._check(request, ALIGN)
        kept = self._models(request)
        return align(kept, audio, segments, request, rising(on_progress), should_stop)

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        from transcription.engines.whisperx.diarizing import diarize

        self._check(request, DIARIZE)
        return diarize(self._models(request), audio, request, rising(on_progress), should_stop)

    def _check(self, request: Request, stage: str) -> None:
        if reason := self.readiness_error(request, stage):
            raise EngineError("model_unusable", reason)

    def _models(self, request: Request) -> Models:
        """The loaded models, with the device that the request may use."""
        from transcription.engines.whisperx.models import Models

        os.environ["PYANNOTE_METRICS_ENABLED"] = "0"  # it would send telemetry
        if self._kept is None:
            self._kept = Models()
        try:
            self._kept.choose_device(request)
        except (ImportError, OSError) as error:
            message = f"WhisperX is installed, but does not work here: {error}"
            raise EngineError("engine_not_ready", message) from error
        return self._kept


def rising(tell: Progress) -> Progress:
    """Passes progress on only if it increases: segments may come in any order, and overlap."""
    furthest = 0.0

    def report(done: float) -> None:
        nonlocal furthest
        if done > furthest:
            furthest = done
            tell(done)

    return report

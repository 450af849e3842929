"""The interface of a speech engine, stage by stage. A new engine is one file, and one line in
`registry`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from transcription.engines.base import (
    TRANSCRIBE,
    Alignment,
    Capabilities,
    Diarization,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio


class Engine(Protocol):
    """What all have in common. Heavy libraries are imported inside the methods that work."""

    name: str

    def capabilities(self) -> Capabilities:
        """What it can do; cheap, needs no heavy import."""
        ...

    def installation_error(self) -> str:
        """ "" when its packages are there, else a plain reason; looked for, not imported."""
        ...

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """What that stage of the request needs on the disk and may download; cheap.

        The same whether it is there or not, and whether the packages are. () where it needs
        nothing, cannot do that stage at all, or was given a folder of the site's own.

        Raises:
            EngineError: there is no model of that name.
        """
        ...

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        """ "" when it can do that stage of the request now, else a plain reason why not; cheap.

        Its packages and assets are there, and it knows the language: for the alignment
        `request.language` is that of the transcript.
        """
        ...

    def device(self, request: Request) -> str:
        """ "cpu" or "cuda": where it would really run. Asked in the engine's process alone."""
        ...


class Transcriber(Engine, Protocol):
    """An engine with TRANSCRIBE among the stages of its capabilities."""

    def load(self, request: Request) -> None:
        """Get the model into memory, or keep the one that is there.

        Raises:
            EngineError: the model cannot be loaded.
        """
        ...

    def transcribe(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Transcription:
        """Turn audio into timed text. Silence gives no segments and is no error.

        Raises:
            EngineError: it cannot be done.
            Cancelled: should_stop() said so.
        """
        ...


class Aligner(Engine, Protocol):
    """An engine with ALIGN among the stages of its capabilities."""

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        """Find the time of each word of a transcript, which may come from anybody.

        Its segments may lie beyond the audio, overlap or be without text; a word that cannot be
        placed has no times. `request.language` is that of the transcript.

        Raises:
            EngineError: it cannot be done.
            Cancelled: should_stop() said so.
        """
        ...


class Diarizer(Engine, Protocol):
    """An engine with DIARIZE among the stages of its capabilities."""

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        """Tell who speaks when. Silence gives no turns and is no error.

        Raises:
            EngineError: it cannot be done.
            Cancelled: should_stop() said so.
        """
        ...

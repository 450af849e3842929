"""The interface of a speech engine, stage by stage. A new engine is one file, and one line in
`registry`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from transcription.engines.base import (
    TRANSCRIBE,
    Alignment,
    Capabilities,
    ChunkProgress,
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
    """Shared by all stages. Heavy libraries are imported inside the methods that work."""

    name: str

    def capabilities(self) -> Capabilities:
        """What it supports; cheap, needs no heavy import."""
        ...

    def installation_error(self) -> str:
        """ "" if its packages are installed, else the reason; it only looks for them and imports
        nothing."""
        ...

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """What this stage of the request needs on the disk and may download; cheap.

        The same whether it is there or not, and whether the packages are installed or not. () if
        the stage needs nothing, is not supported, or uses one of the site's own folders.

        Raises:
            EngineError: There is no model of that name.
        """
        ...

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        """ "" if it can do this stage of the request now, else the reason; cheap.

        Its packages and assets are there, and it supports the language: for the alignment
        `request.language` is the transcript's.
        """
        ...

    def device(self, request: Request) -> str:
        """ "cpu" or "cuda": the device that it would use. Only called in the engine's process."""
        ...


class Transcriber(Engine, Protocol):
    """An engine with TRANSCRIBE among the stages of its capabilities."""

    def load(self, request: Request) -> None:
        """Loads the model into memory, or keeps the loaded one.

        Raises:
            EngineError: The model can't be loaded.
        """
        ...

    def transcribe(
        self, audio: Audio, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> Transcription:
        """Turns audio into timed text. Silence gives no segments and is not an error.

        An engine that works chunk by chunk begins after the chunks that `on_progress` has kept, and
        gives it each batch of new ones; its result has the segments of all. For other engines that
        is only the progress.

        Raises:
            EngineError: It can't be done.
            Cancelled: should_stop() returned True.
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
        """Finds the time of each word of a transcript, which may come from a client.

        Its segments may be beyond the audio, overlap or have no text; a word that can't be placed
        has no times. `request.language` is the transcript's.

        Raises:
            EngineError: It can't be done.
            Cancelled: should_stop() returned True.
        """
        ...


class Diarizer(Engine, Protocol):
    """An engine with DIARIZE among the stages of its capabilities."""

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        """Finds who speaks when. Silence gives no turns and is not an error.

        Raises:
            EngineError: It can't be done.
            Cancelled: should_stop() returned True.
        """
        ...

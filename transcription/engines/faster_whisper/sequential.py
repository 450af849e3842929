"""Transcribes in one go, each window with the text before it as context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transcription.engines.base import (
    Chunk,
    ChunkProgress,
    Request,
    ShouldStop,
    Transcription,
)
from transcription.engines.chunking import chapters
from transcription.engines.faster_whisper import options as whisper_options
from transcription.engines.faster_whisper.language import known_language
from transcription.engines.faster_whisper.segments import Found, plain
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.media.pcm import Audio


class SequentialRun:
    """One recording, chapter by chapter. The first chapter with speech decides the language."""

    def __init__(
        self, model: Any, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> None:
        self._model = model
        self._request = request
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._options = whisper_options.mapped(request.options, model)
        self._language, self._probability = known_language(request, on_progress.kept)

    def transcribe(self, audio: Audio) -> Transcription:
        chunks = list(self._on_progress.kept)
        for start, seconds in chapters(audio, chunks[-1].end if chunks else 0.0):
            chunks.append(self._chapter(audio, start, seconds))
            self._on_progress.keep(chunks[-1:])
            self._on_progress(start + seconds)
        segments = [segment for chunk in chunks for segment in chunk.segments]
        return Transcription(segments, self._language, self._probability)

    def _chapter(self, audio: Audio, start: float, seconds: float) -> Chunk:
        self._go_on()
        found, info = self._model.transcribe(
            audio.samples(start, seconds),
            language=self._language,
            task=self._request.task,
            condition_on_previous_text=True,
            **self._options,
        )
        segments = []
        if info.duration_after_vad:  # a language "detected" in silence means nothing
            if self._language is None:
                self._language = str(info.language)
                self._probability = round(float(info.language_probability), 4)
            segments = self._segments(found, start, audio.duration)
        return Chunk(start, start + seconds, segments, self._language, self._probability)

    def _segments(self, found: Any, start: float, duration: float) -> list[dict[str, Any]]:
        def place(time: float, near: float) -> float:
            return min(max(0.0, time + start), duration)

        segments = []
        for one in found:
            self._go_on()
            seek = start + one.seek / 100 if self._request.options.get("details") else None
            if made := plain(Found(one), place, seek):
                segments.append(made)
                self._on_progress(made["end"])
        return segments

    def _go_on(self) -> None:
        if self._should_stop():
            raise Cancelled

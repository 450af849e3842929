"""Transcribes chunk by chunk, several at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from transcription.engines.base import (
    Chunk,
    ChunkProgress,
    EngineError,
    Request,
    ShouldStop,
    Transcription,
)
from transcription.engines.chunks.audio_chunks import AudioChunk, chunks_of
from transcription.engines.faster_whisper import options as whisper_options
from transcription.engines.faster_whisper.batch_size import BatchSize
from transcription.engines.faster_whisper.decoding import Decoder
from transcription.engines.faster_whisper.language import detect_language, known_language
from transcription.engines.faster_whisper.segments import Found, plain
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

SILENCE = 600.0
"""Seconds of silence that are kept as done; they cost little to hear again."""
FEWER = "The GPU's memory was full, so the batch size was reduced to {}."
SMALLER = "The GPU's memory was full, so the model was used in the number format {}."
TOO_SMALL = "The GPU's memory is too small for this model, even in its smallest number format."
OUT_OF_MEMORY = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What the library's errors say then."""


class Loaded(Protocol):
    """A model in memory."""

    @property
    def model(self) -> Any:
        """faster-whisper's."""
        ...

    def step_down(self) -> str:
        """Loads it in the next smaller number format; returns that, or "" if there is none."""
        ...


class ChunkedRun:
    """One recording, from the end of its kept chunks on."""

    def __init__(
        self, loaded: Loaded, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> None:
        self._loaded = loaded
        self._request = request
        self._on_progress = on_progress
        self._should_stop = should_stop
        kept = on_progress.kept
        self._segments = [segment for chunk in kept for segment in chunk.segments]
        self._done = kept[-1].end if kept else 0.0
        self._language, self._probability = known_language(request, kept)
        self._size = BatchSize(whisper_options.batch_size(request.options))
        self._waiting: list[AudioChunk] = []
        self._note = ""

    def transcribe(self, audio: Audio) -> Transcription:
        rules = whisper_options.rules(self._request.options)
        for chunk in chunks_of(audio.stream, self._done, rules, self._heard):
            self._waiting.append(chunk)
            while len(self._waiting) >= self._size.now:
                self._work()
        while self._waiting:
            self._work()
        self._on_progress(audio.duration)
        return Transcription(self._segments, self._language, self._probability, note=self._note)

    def _heard(self, seconds: float) -> None:
        """Where nobody speaks, there is nothing else to report."""
        self._go_on()
        if not self._waiting and seconds > self._done:
            self._on_progress(seconds)
            if seconds - self._done > SILENCE:
                self._keep([Chunk(self._done, seconds, [], self._language, self._probability)])

    def _work(self) -> None:
        """Decodes a batch and keeps what was said."""
        batch = self._waiting[: self._size.now]
        began = time.monotonic()
        found = self._decoded(batch)
        if found is None:
            self._step_down()
            return
        self._size.took(len(batch), time.monotonic() - began)
        del self._waiting[: len(batch)]
        self._keep([self._chunk(*one) for one in zip(batch, found, strict=True)])

    def _decoded(self, batch: Sequence[AudioChunk]) -> list[list[Found]] | None:
        """What was said in each; None if the memory is too small for that."""
        try:
            return self._decoder(batch[0]).decode(batch)
        except RuntimeError as error:
            if not any(said in str(error) for said in OUT_OF_MEMORY):
                raise
        return None  # by now nothing holds the model any more

    def _decoder(self, first: AudioChunk) -> Decoder:
        """The first chunk decides the language."""
        self._go_on()
        model = self._loaded.model
        if self._language is None:
            self._language, self._probability = detect_language(model, first.samples)
        options = whisper_options.mapped(self._request.options, model)
        return Decoder(model, self._language, self._request.task, options, self._go_on)

    def _step_down(self) -> None:
        if self._size.halve():
            self._note = FEWER.format(self._size.now)
        elif smaller := self._loaded.step_down():
            self._note = SMALLER.format(smaller)
        else:
            raise EngineError("out_of_memory", TOO_SMALL)

    def _chunk(self, chunk: AudioChunk, found: Sequence[Found]) -> Chunk:
        seek = chunk.start if self._request.options.get("details") else None
        segments = [made for one in found if (made := plain(one, chunk.time, seek))]
        return Chunk(chunk.start, chunk.end, segments, self._language, self._probability)

    def _keep(self, chunks: Sequence[Chunk]) -> None:
        self._segments += [segment for chunk in chunks for segment in chunk.segments]
        self._done = chunks[-1].end
        self._on_progress.keep(chunks)
        self._on_progress(self._done)

    def _go_on(self) -> None:
        if self._should_stop():
            raise Cancelled

"""faster-whisper: Whisper models run by CTranslate2, on CPU or NVIDIA GPU."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcription.engines import models
from transcription.engines.base import (
    TRANSCRIBE,
    Capabilities,
    Chunk,
    ChunkProgress,
    EngineError,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)
from transcription.engines.chunking import chapters
from transcription.engines.faster_whisper import options as whisper_options
from transcription.engines.runtime.cores import DEFAULT_THREADS, cores, threads_for
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio


class FasterWhisper:
    """The engine. The last model used stays loaded."""

    name = "faster-whisper"

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._model: Any = None

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="faster-whisper",
            quality="Whisper's quality: the larger the model, the better and slower.",
            languages=None,
            words=True,
            translation=True,
            needs_download=True,
            models=(*models.KNOWN, *models.ALIASES, *models.TRUSTED),
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
        import faster_whisper

        device, compute_type = _hardware(request)
        threads = threads_for(request.threads)
        key = (request.model_path, device, request.device_index, compute_type, threads)
        if key == self._key:
            return
        self._key, self._model = (), None  # two models may not fit into memory
        try:
            self._model = faster_whisper.WhisperModel(
                request.model_path,
                device=device,
                device_index=request.device_index,
                compute_type=compute_type,
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            message = f'The model "{request.model}" cannot be loaded: {error}'
            raise EngineError("model_unusable", message) from error
        self._key = key

    def model(self, request: Request) -> Any:
        """The library's model, in memory.

        Raises:
            EngineError: It can't be loaded.
        """
        self.load(request)
        return self._model

    def transcribe(
        self,
        audio: Audio,
        request: Request,
        on_progress: ChunkProgress,
        should_stop: ShouldStop,
    ) -> Transcription:
        self.load(request)
        run = _Run(self._model, request, on_progress, should_stop)
        for start, seconds in chapters(audio, run.done):
            on_progress.keep([run.chapter(audio, start, seconds)])
            on_progress(start + seconds)
        return Transcription(run.segments, run.language, run.probability, run.warnings)


class _Run:
    """One recording, chapter by chapter. The first chapter with speech decides the language."""

    def __init__(
        self, model: Any, request: Request, on_progress: ChunkProgress, should_stop: ShouldStop
    ) -> None:
        self._model = model
        self._request = request
        self._on_progress = on_progress
        self._should_stop = should_stop
        kept = on_progress.kept
        self.language = kept[0].language if kept else request.language
        self.probability = kept[0].language_probability if kept else None
        self.segments: list[Segment] = [segment for chunk in kept for segment in chunk.segments]
        self.done = kept[-1].end if kept else 0.0
        self.warnings: list[str] = []
        self._options = whisper_options.mapped(request.options, model)
        self._check_language()

    def chapter(self, audio: Audio, start: float, seconds: float) -> Chunk:
        before = len(self.segments)
        if self._should_stop():
            raise Cancelled
        transcribe, options = self._how(seconds)
        samples = audio.samples(start, seconds)
        found, info = transcribe(
            samples, language=self.language, task=self._request.task, **options
        )
        if not info.duration_after_vad:  # silence: a language "detected" in it means nothing
            return Chunk(start, start + seconds, [], self.language, self.probability)
        if self.language is None:
            self.language = str(info.language)
            self.probability = round(float(info.language_probability), 4)
        for segment in found:
            if self._should_stop():
                found.close()
                raise Cancelled
            if made := _segment(segment, start, audio.duration):
                if self._request.options.get("details"):
                    made |= _details(segment, start)
                self.segments.append(made)
                self._on_progress(made["end"])
        new = self.segments[before:]
        return Chunk(start, start + seconds, new, self.language, self.probability)

    def _how(self, seconds: float) -> tuple[Any, dict[str, Any]]:
        """In batches if that is faster: several windows on many cores or on a GPU."""
        size, chunk = whisper_options.batch(self._request.options)
        strong = self._model.model.device == "cuda" or cores() >= DEFAULT_THREADS
        if size > 1 and seconds > 2 * chunk and strong:
            from faster_whisper import BatchedInferencePipeline

            batched = {"batch_size": size, "chunk_length": chunk, "without_timestamps": False}
            pipeline = BatchedInferencePipeline(self._model)
            return pipeline.transcribe, {**self._options, **batched}
        return self._model.transcribe, self._options

    def _check_language(self) -> None:
        known = self._model.supported_languages
        if self.language is not None and self.language not in known:
            if len(known) == 1:
                reason = f'The model "{self._request.model}" knows English only'
            else:
                reason = "Whisper does not know this language"
            raise EngineError("language_unsupported", f'{reason}, not "{self.language}".')


def _segment(found: Any, offset: float, duration: float) -> Segment | None:
    """A segment as plain values, with times of the whole recording; None if it has no text."""
    text = found.text.strip()
    if not text:
        return None

    def at(time: Any) -> float:
        return round(min(max(0.0, float(time) + offset), duration), 3)

    words = [
        {
            "word": word.word.strip(),
            "start": at(word.start),
            "end": at(word.end),
            "score": round(min(1.0, max(0.0, float(word.probability))), 3),
        }
        for word in found.words or ()
        if word.word.strip()
    ]
    segment: Segment = {"start": at(found.start), "end": at(found.end), "text": text}
    if math.isfinite(found.avg_logprob):
        segment["avg_logprob"] = round(float(found.avg_logprob), 4)
    if words:
        segment["words"] = words
    return segment


def _details(found: Any, offset: float) -> Segment:
    """Values of a segment that only some clients need, by OpenAI's names."""
    return {
        "seek": int(found.seek) + round(offset * 100),  # in frames of a hundredth of a second
        "tokens": [int(token) for token in found.tokens],
        "temperature": float(found.temperature or 0.0),
        "no_speech_prob": float(found.no_speech_prob),
    }


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

"""WhisperX's transcription: finds speech, joins it to chunks, and decodes them in batches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transcription.engines.base import (
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
from transcription.engines.whisperx.vad import chunks_of
from transcription.media.errors import Cancelled
from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

    from transcription.engines.whisperx.models import Models
    from transcription.media.pcm import Audio

WINDOW = 30.0
"""Seconds that Whisper hears at a time; the language is detected from that much."""
SEARCH = 0.2
"""The share of the search for speech in the work on a chapter; an estimate."""
ROUNDING = 0.002
"""Seconds by which a kept chunk's end may differ from that of the same chunk found again."""
DEFAULT_BATCH = 8
LARGEST_BATCH = 64
# Options of Whisper's own decoding that batches ignore, with the API's defaults.
OF_NO_EFFECT = {
    "best_of": 5,
    "temperatures": 0.0,
    "compression_ratio_threshold": 2.4,
    "log_prob_threshold": -1.0,
    "no_speech_threshold": 0.6,
    "condition_on_previous_text": False,
}
NO_EFFECT = "WhisperX decodes in batches, where {} had no effect."
OTHER_FORMAT = "{} is not possible on this {}: {} was used."
PLACES = {"cpu": "processor", "cuda": "card"}


def transcribe(
    kept: Models,
    audio: Audio,
    request: Request,
    on_progress: ChunkProgress,
    should_stop: ShouldStop,
) -> Transcription:
    """Turns audio into timed text.

    Raises:
        EngineError: It can't be done.
        Cancelled: should_stop() returned True.
    """
    run = _Run(kept, audio, request, on_progress, should_stop)
    for start, seconds in chapters(audio):
        if start + seconds > run.done:
            run.chapter(start, seconds)
        on_progress(start + seconds)
    notes = [_correction(kept, request), _unheard(request.options)]
    note = " ".join(note for note in notes if note)
    return Transcription(run.segments, run.language, run.probability, note=note)


class _Run:
    """One recording, chapter by chapter. Its first speech decides the language."""

    def __init__(
        self,
        kept: Models,
        audio: Audio,
        request: Request,
        on_progress: ChunkProgress,
        should_stop: ShouldStop,
    ) -> None:
        self._kept, self._audio, self._request = kept, audio, request
        self._on_progress, self._should_stop = on_progress, should_stop
        self._model = kept.whisper(request)
        self._batch = _batch_size(request.options)
        kept_chunks = on_progress.kept
        self.language = kept_chunks[0].language if kept_chunks else request.language
        self.probability = kept_chunks[0].language_probability if kept_chunks else None
        self.segments: list[Segment] = [one for chunk in kept_chunks for one in chunk.segments]
        self.done = kept_chunks[-1].end if kept_chunks else 0.0
        self._check_language()

    def chapter(self, start: float, seconds: float) -> None:
        """Transcribes what an earlier run has not kept of it, batch by batch."""
        length = min(seconds, self._audio.duration - start)

        def progress(share: float) -> None:
            self._on_progress(max(self.done, start + length * share))
            self._go_on()

        progress(0.0)
        samples = self._audio.samples(start, seconds)
        chunks = chunks_of(
            samples, self._kept, self._request.options, lambda share: progress(share * SEARCH)
        )
        if not chunks:
            return
        if self.language is None:
            self._detect(samples[round(chunks[0]["start"] * RATE) :])
        left = [chunk for chunk in chunks if start + chunk["end"] > self.done + ROUNDING]
        for first in range(0, len(left), self._batch):
            batch = left[first : first + self._batch]
            self._on_progress.keep([self._transcribed(samples, batch, start)])
            progress(SEARCH + (1 - SEARCH) * min(batch[-1]["end"] / seconds, 1.0))

    def _transcribed(
        self, samples: numpy.ndarray, batch: Sequence[Mapping[str, Any]], start: float
    ) -> Chunk:
        """The text of a batch of chunks, whose times count from `start`."""
        found = self._pipeline(batch).transcribe(
            samples,
            batch_size=self._batch,
            language=self.language,
            task=self._request.task,
            progress_callback=lambda percent: self._go_on(),
        )
        made = [_segment(one, start, self._audio.duration) for one in found["segments"]]
        new = [segment for segment in made if segment]
        self.segments += new
        self.done = round(start + batch[-1]["end"], 3)
        begins = round(start + batch[0]["start"], 3)
        return Chunk(begins, self.done, new, self.language, self.probability)

    def _pipeline(self, chunks: Sequence[Mapping[str, Any]]) -> Any:
        """whisperx's own, with the loaded model and the found chunks."""
        from whisperx.asr import load_model

        return load_model(
            "",
            self._kept.torch_device,
            model=self._model,
            asr_options=_decoding(self._request.options, self._model),
            vad_model=_known(chunks),
        )

    def _detect(self, samples: numpy.ndarray) -> None:
        if not self._model.model.is_multilingual:
            self.language = "en"
            return
        language, probability, _ = self._model.detect_language(samples[: round(WINDOW * RATE)])
        self.language, self.probability = str(language), round(float(probability), 4)

    def _check_language(self) -> None:
        known = self._model.supported_languages
        if self.language is not None and self.language not in known:
            if len(known) == 1:
                reason = f'The model "{self._request.model}" knows English only'
            else:
                reason = "Whisper does not know this language"
            raise EngineError("language_unsupported", f'{reason}, not "{self.language}".')

    def _go_on(self) -> None:
        if self._should_stop():
            raise Cancelled


def _known(chunks: Sequence[Mapping[str, Any]]) -> Any:
    """A voice detector that already has its chunks."""
    from whisperx.vads import Vad

    class Known(Vad):  # type: ignore[misc]
        preprocess_audio = staticmethod(lambda audio: audio)
        merge_chunks = staticmethod(lambda found, *arguments, **options: chunks)

        def __init__(self) -> None:
            pass

        def __call__(self, audio: Any, **options: Any) -> Any:
            return audio

    return Known()


def _decoding(options: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Options for whisperx, which only uses those of its batched decoding."""
    mapped = whisper_options.mapped(options, model)
    names = (*whisper_options.PLAIN.values(), "initial_prompt", "hotwords", "suppress_tokens")
    decoding = {name: mapped[name] for name in names if name in mapped}
    if "temperature" in mapped:
        decoding["temperatures"] = mapped["temperature"]
    return decoding


def _batch_size(options: Mapping[str, Any]) -> int:
    """Chunks decoded at once."""
    asked = options.get("batch_size")
    return max(1, min(DEFAULT_BATCH if asked is None else int(asked), LARGEST_BATCH))


def _segment(found: Mapping[str, Any], offset: float, duration: float) -> Segment | None:
    """A segment as plain values, with times of the whole recording; None if it has no text."""
    text = found["text"].strip()
    if not text:
        return None
    start, end = (
        round(min(max(0.0, float(found[key]) + offset), duration), 3) for key in ("start", "end")
    )
    segment: Segment = {"start": start, "end": end, "text": text}
    likelihood = float(found["avg_logprob"])
    if math.isfinite(likelihood):
        segment["avg_logprob"] = round(likelihood, 4)
    return segment


def _correction(kept: Models, request: Request) -> str:
    """The remark if another number format than the requested one was used."""
    used = kept.compute_type(request)
    if request.compute_type in ("default", "auto", "", used):
        return ""
    return OTHER_FORMAT.format(request.compute_type, PLACES[kept.device], used)


def _unheard(options: Mapping[str, Any]) -> str:
    """A warning about requested options that have no effect in batches."""
    names = [
        name
        for name, default in OF_NO_EFFECT.items()
        if options.get(name) not in (None, default, [default])
    ]
    return NO_EFFECT.format(", ".join(names)) if names else ""

"""The fallback for aligning words: the Whisper model that is on the disk finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from transcription.engines import models, registry, words
from transcription.engines.base import (
    ALIGN,
    TRANSCRIBE,
    Alignment,
    Capabilities,
    EngineError,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Word,
)
from transcription.engines.fallbacks.uniform_alignment import (
    UniformAligner,
    spread_segment,
    with_words,
)
from transcription.engines.faster_whisper.cross_attention import find_words
from transcription.engines.faster_whisper.engine import FasterWhisper
from transcription.engines.faster_whisper.windows import find_in_windows
from transcription.engines.model_files import assets, built_in
from transcription.languages import LANGUAGES
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio

NOTE = 'The words were aligned by the Whisper model "{}".'
NOT_FOUND = (
    "{} of {} segments could not be found in the audio; "
    "their words share their segment's time evenly, with score 0."
)


class CrossAttentionAligner:
    """Aligns with the requested Whisper model if it is there, English else with the built-in
    one."""

    name = "cross-attention"

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="Whisper's cross-attention",
            quality="Finds words in the audio to about a tenth of a second.",
            languages=None,
            words=False,
            translation=False,
            needs_download=False,
            stages=(ALIGN,),
        )

    def installation_error(self) -> str:
        return _shared().installation_error()

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """It uses models that are there, and downloads none."""
        return ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        if stage != ALIGN:
            return "It only aligns words."
        if with_model(request) is None:
            return f'There is no Whisper model here that knows "{request.language}".'
        return self.installation_error()

    def device(self, request: Request) -> str:
        return _shared().device(request)

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        """Each segment with its words; if its text isn't found, the words share its time."""
        usable = with_model(request)
        if usable is None:
            raise EngineError("model_unavailable", self.readiness_error(request, ALIGN))
        model = _shared().model(usable)
        if request.language not in model.supported_languages:  # its name didn't say so
            return UniformAligner().align(audio, segments, request, on_progress, should_stop)
        search = _Search(model, audio, request, should_stop)
        aligned, spread = [], 0
        for segment in segments:
            found = search.segment(segment)
            spread += found is None
            aligned.append(found or spread_segment(segment, request))
            on_progress(min(max(segment["end"], 0.0), audio.duration))
        warnings = [NOT_FOUND.format(spread, len(aligned))] if spread else []
        return Alignment(aligned, NOTE.format(usable.model) if aligned else "", warnings)


class _Search:
    """Looks for the segments of one transcript."""

    def __init__(self, model: Any, audio: Audio, request: Request, should_stop: ShouldStop) -> None:
        from faster_whisper.tokenizer import Tokenizer

        self._model = model
        self._tokenizer = Tokenizer(
            model.hf_tokenizer,
            model.model.is_multilingual,
            task="transcribe",
            language=request.language,
        )
        self._audio = audio
        self._request = request
        self._should_stop = should_stop

    def segment(self, segment: Segment) -> Segment | None:
        """The segment with its words at their times; None if it can't be found.

        Raises:
            Cancelled: should_stop() returned True.
        """
        written = words.split(segment["text"], self._request.language)
        if not written:
            return with_words(segment, [], self._request)
        start, end = max(0.0, segment["start"]), min(segment["end"], self._audio.duration)
        placed = find_in_windows(self._find, written, start, end) if start < end else None
        if placed is None:
            return None
        if self._request.options.get("interpolate_method") != "ignore":
            placed = words.fill(placed, start, end)
        return with_words(segment, placed, self._request)

    def _find(self, written: Sequence[str], start: float, end: float) -> list[Word] | None:
        """The words between two moments, with times of the whole recording."""
        if self._should_stop():
            raise Cancelled
        samples = self._audio.samples(start, end - start)
        language = self._request.language
        found = find_words(self._model, self._tokenizer, samples, written, language)
        return None if found is None else [_placed(word, start, end) for word in found]


def with_model(request: Request) -> Request | None:
    """The request with a model on the disk that knows its language; None if there is none."""
    language = request.language
    folder = _folder(request)
    if folder and language in LANGUAGES and (language == "en" or _is_multilingual(request.model)):
        return replace(request, model_path=str(folder))
    if language == "en" and request.models_dir and (own := built_in.folder(request.models_dir)):
        return replace(request, model=built_in.NAME, model_path=str(own))
    return None


def _folder(request: Request) -> Path | None:
    """Where the requested model is; None if it isn't on the disk."""
    folder: Path | None
    if request.model_path:
        folder = Path(request.model_path)
    elif models.is_path(request.model):
        folder = models.folder_of(request.model)
    else:
        folder = _downloaded(request)
    return None if folder is None or models.folder_problem(folder) else folder


def _downloaded(request: Request) -> Path | None:
    """Where a model would be by its name; None if no model has that name."""
    has_name = models.is_known(request.model) or models.REPOSITORY.match(request.model)
    if not request.models_dir or not has_name:
        return None
    return assets.location(request.models_dir, models.asset(request.model))


def _is_multilingual(model: str) -> bool:
    return not models.canonical(model).endswith(".en")


def _placed(word: Word, offset: float, end: float) -> Word:
    """A word with times of the whole recording."""
    if "start" not in word:
        return word
    return {
        "word": word["word"],
        "start": round(min(offset + word["start"], end), 3),
        "end": round(min(offset + word["end"], end), 3),
        "score": round(min(1.0, max(0.0, word["score"])), 3),
    }


def _shared() -> FasterWhisper:
    """The engine that keeps the model in memory."""
    return cast(FasterWhisper, registry.get(FasterWhisper.name))

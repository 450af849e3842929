"""The language of a recording: requested, kept from an earlier run, or detected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from transcription.engines.base import Chunk, EngineError, Request

if TYPE_CHECKING:
    import numpy

Known = tuple[str | None, float | None]
"""A language, and its probability if it was detected."""


def check_language(model: Any, request: Request) -> None:
    """Raises an EngineError if the model doesn't know the requested language."""
    language, known = request.language, model.supported_languages
    if language is None or language in known:
        return
    reason = "Whisper does not know this language"
    if len(known) == 1:
        reason = f'The model "{request.model}" knows English only'
    raise EngineError("language_unsupported", f'{reason}, not "{language}".')


def known_language(request: Request, kept: Sequence[Chunk]) -> Known:
    """That of the kept chunks; those before any speech may have none."""
    for chunk in reversed(kept):
        if chunk.language:
            return chunk.language, chunk.language_probability
    return request.language, None


def detect_language(model: Any, samples: numpy.ndarray) -> tuple[str, float]:
    """The language of a chunk of speech."""
    if not model.model.is_multilingual:
        return "en", 1.0
    language, probability, _ = model.detect_language(samples)
    return str(language), round(float(probability), 4)

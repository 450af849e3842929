"""The speech engines by name: a new engine is one module and one line here.

Engines are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from transcription.engines.base import ALIGN, DIARIZE, EngineError
from transcription.engines.interface import Engine

BUILT_IN_MODEL = "built-in"
"""Transcribes English if the requested model can't be downloaded."""
CROSS_ATTENTION = "cross-attention"
UNIFORM = "even-spread"
SINGLE_SPEAKER = "voice-activity"
ENGINES = {
    "faster-whisper": "transcription.engines.faster_whisper.engine:FasterWhisper",
    "whisperx": "transcription.engines.whisperx.engine:WhisperX",
}
FALLBACK_ENGINES = {
    BUILT_IN_MODEL: "transcription.engines.faster_whisper.built_in:BuiltInModel",
    CROSS_ATTENTION: "transcription.engines.faster_whisper.aligning:CrossAttentionAligner",
    UNIFORM: "transcription.engines.fallbacks.uniform_alignment:UniformAligner",
    SINGLE_SPEAKER: "transcription.engines.fallbacks.single_speaker:SingleSpeakerDiarizer",
}
"""Fallbacks for a single stage; they can't be requested by name."""
FALLBACKS = {ALIGN: (CROSS_ATTENTION, UNIFORM), DIARIZE: (SINGLE_SPEAKER,)}
"""The fallbacks for a stage that the chosen engine can't do: the first one that is ready does
it."""
_made: dict[str, Engine] = {}


def names() -> tuple[str, ...]:
    """The engines that can be requested."""
    return tuple(ENGINES)


def find(name: str) -> Engine | None:
    """The engine or fallback of that name; None if it doesn't exist (any more)."""
    return get(name) if name in ENGINES or name in FALLBACK_ENGINES else None


def get(name: str) -> Engine:
    """The engine of that name, the same object each time (it keeps its model loaded).

    Raises:
        EngineError: There is none of that name.
    """
    place = ENGINES.get(name) or FALLBACK_ENGINES.get(name)
    if place is None:
        known = ", ".join(ENGINES)
        raise EngineError(
            "unknown_engine", f'There is no engine named "{name}" (there are {known}).'
        )
    if name not in _made:
        module, _, attribute = place.partition(":")
        _made[name] = cast(Engine, getattr(import_module(module), attribute)())
    return _made[name]

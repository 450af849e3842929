"""The speech engines by name: one line each, and nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from transcription.engines.base import Engine, EngineError

ENGINES = {
    "faster-whisper": "transcription.engines.faster_whisper:FasterWhisper",
    "pocketsphinx": "transcription.engines.pocketsphinx:PocketSphinx",
}
_made: dict[str, Engine] = {}


def names() -> tuple[str, ...]:
    """The engines that can be asked for."""
    return tuple(ENGINES)


def get(name: str) -> Engine:
    """The engine of that name, the same object each time (it keeps its model loaded).

    Raises:
        EngineError: there is none of that name.
    """
    if name not in ENGINES:
        known = ", ".join(ENGINES)
        raise EngineError(
            "unknown_engine", f'There is no engine named "{name}" (there are {known}).'
        )
    if name not in _made:
        module, _, attribute = ENGINES[name].partition(":")
        _made[name] = cast(Engine, getattr(import_module(module), attribute)())
    return _made[name]

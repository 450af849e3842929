"""Converts option names of the HTTP API to those of faster-whisper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from transcription.engines.chunks.cutting import Rules
from transcription.engines.chunks.voice import WINDOWS_PER_SECOND

PLAIN = {
    "beam_size": "beam_size",
    "best_of": "best_of",
    "patience": "patience",
    "length_penalty": "length_penalty",
    "compression_ratio_threshold": "compression_ratio_threshold",
    "log_prob_threshold": "log_prob_threshold",
    "no_speech_threshold": "no_speech_threshold",
}
DEFAULT_BATCH, LARGEST_BATCH = 8, 64
SHORTEST_CHUNK, LONGEST_CHUNK = 5, 30
"""Seconds."""
ONSET = 0.5
"""The library's own, as is the distance from it at which speech ends."""
BEAMS = 5  # the libraries' own choice
# Memory and time grow with them: 2,500 beams take five gigabytes with the smallest model.
MOST_CANDIDATES = 20
LIMITS = {"patience": 10.0, "length_penalty": 10.0}
NUMERALS = frozenset("0123456789%$")
POUND = "\u00c2\u00a3"  # the pound sign, in the alphabet of the tokens


def mapped(options: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Arguments for `transcribe`; options that are not given keep the library's default."""
    given = {key: value for key, value in options.items() if value is not None}
    arguments: dict[str, Any] = {"word_timestamps": True, "vad_filter": True}
    for name, theirs in PLAIN.items():
        if name in given and math.isfinite(given[name]):
            arguments[theirs] = given[name]
    for name in ("beam_size", "best_of"):
        if name in arguments:
            arguments[name] = min(max(1, int(arguments[name])), MOST_CANDIDATES)
    if arguments.get("patience", 1) <= 0:
        del arguments["patience"]
    for name, most in LIMITS.items():
        if name in arguments:
            arguments[name] = min(max(arguments[name], -most), most)
    if arguments.get("patience", 1) * arguments.get("beam_size", BEAMS) < 1:
        arguments["patience"] = 1 / arguments.get("beam_size", BEAMS)  # less finds nothing
    if "temperatures" in given:
        arguments["temperature"] = _temperatures(given["temperatures"])
    for name in ("initial_prompt", "hotwords"):
        if given.get(name):
            arguments[name] = str(given[name])
    arguments["suppress_tokens"] = _suppressed(given, model)
    if parameters := _voice(given):
        arguments["vad_parameters"] = parameters
    return arguments


def batch_size(options: Mapping[str, Any]) -> int:
    """The most chunks that are decoded at once."""
    asked = options.get("batch_size")
    return max(1, min(DEFAULT_BATCH if asked is None else int(asked), LARGEST_BATCH))


def rules(options: Mapping[str, Any]) -> Rules:
    """How to cut a recording into chunks."""
    voice = _voice({key: value for key, value in options.items() if value is not None})
    onset = voice.get("threshold", ONSET)
    offset = min(onset, voice.get("neg_threshold", max(onset - 0.15, 0.01)))
    seconds = max(
        SHORTEST_CHUNK, min(int(options.get("chunk_size") or LONGEST_CHUNK), LONGEST_CHUNK)
    )
    return Rules(int(seconds * WINDOWS_PER_SECOND), onset, offset)


def _temperatures(given: Any) -> list[float]:
    """A number is the only temperature to use; a list is tried in its order."""
    several = given if isinstance(given, list | tuple) else [given]
    return [min(max(float(one), 0.0), 2.0) for one in several if math.isfinite(one)] or [0.0]


def _suppressed(given: Mapping[str, Any], model: Any) -> list[int]:
    """Tokens to suppress; -1 means the library's own list."""
    size = model.hf_tokenizer.get_vocab_size()
    asked = given.get("suppress_tokens", [-1])
    tokens = {int(token) for token in asked if -1 <= int(token) < size}
    if given.get("suppress_numerals"):
        tokens |= _numerals(model)
    return sorted(tokens)


def _numerals(model: Any) -> set[int]:
    """The text tokens that contain a digit, or the sign of a percentage or currency."""
    end_of_text = model.hf_tokenizer.token_to_id("<|endoftext|>")
    return {
        number
        for token, number in model.hf_tokenizer.get_vocab().items()
        if number < end_of_text and (NUMERALS & set(token) or POUND in token)
    }


def _voice(given: Mapping[str, Any]) -> dict[str, float]:
    """Thresholds of the voice detector: speech begins above one and ends below the other."""
    parameters = {}
    if "vad_onset" in given:
        parameters["threshold"] = min(max(float(given["vad_onset"]), 0.01), 0.99)
    if "vad_offset" in given:
        parameters["neg_threshold"] = min(max(float(given["vad_offset"]), 0.0), 0.98)
    return parameters

"""System checks: settings that can't work, each with an id and a hint."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from transcription.conf import conf
from transcription.engines import models, registry
from transcription.engines.base import EngineError
from transcription.engines.model_files import built_in
from transcription.languages import LANGUAGES
from transcription.services.options.default_language import patterns
from transcription.services.outbound.ssrf import blocked_networks

VOICE_DETECTORS = ("pyannote", "silero")


REMOVED = {
    "pocketsphinx": "Remove ENGINE from the settings. For the same without a download, set "
    f"WHISPER_MODEL={built_in.NAME}: the built-in Whisper model took the place of PocketSphinx."
}
"""Engines of earlier releases, and what to set instead."""


@register("transcription")
def known_engine(**kwargs: Any) -> list[CheckMessage]:
    if conf.ENGINE in registry.names():
        return []
    known = f"Use one of: {', '.join(registry.names())}."
    message, hint = f"ENGINE={conf.ENGINE!r} is not known.", REMOVED.get(conf.ENGINE, known)
    return [Error(message, hint=hint, id="transcription.E001")]


@register("transcription")
def known_voice_detector(**kwargs: Any) -> list[CheckMessage]:
    if conf.VAD_METHOD in VOICE_DETECTORS:
        return []
    hint = f"Use one of: {', '.join(VOICE_DETECTORS)}."
    message = f"VAD_METHOD={conf.VAD_METHOD!r} is not known."
    return [Error(message, hint=hint, id="transcription.E005")]


@register("transcription")
def known_overrides(**kwargs: Any) -> list[CheckMessage]:
    problems = []
    for language, model in conf.LANGUAGE_MODEL_OVERRIDES.items():
        if language not in LANGUAGES:
            problems.append(f"the language {language!r} is not known")
        if not models.is_path(model):
            try:
                models.repository(model)
            except EngineError as problem:
                problems.append(problem.message)
    hint = 'Give JSON such as {"lv": "owner/name", "de": "/models/german"}.'
    return [
        Error(f"LANGUAGE_MODEL_OVERRIDES: {problem}", hint=hint, id="transcription.E004")
        for problem in problems
    ]


@register("transcription")
def known_patterns(**kwargs: Any) -> list[CheckMessage]:
    try:
        patterns()
    except ValueError as problem:
        hint = "Give parts of file names with language codes, such as A03=lv,A04=ru."
        return [Error(f"LANGUAGE_PATTERNS: {problem}", hint=hint, id="transcription.E002")]
    return []


@register("transcription")
def known_networks(**kwargs: Any) -> list[CheckMessage]:
    try:
        blocked_networks(tuple(conf.SSRF_BLOCKED_NETWORKS))
    except ValueError as problem:
        hint = "Give networks with commas between them, such as 10.0.0.0/8,fd00::/8."
        return [Error(f"SSRF_BLOCKED_NETWORKS: {problem}", hint=hint, id="transcription.E003")]
    return []

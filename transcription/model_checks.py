"""What is missing to transcribe with the site's settings: for those who ask (`--tag models`)."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning

from transcription.conf import conf
from transcription.engines import registry
from transcription.engines.base import EngineError
from transcription.engines.model_files.assets import (
    ALIGNER,
    DIARIZATION,
    PUNKT,
    WHISPER,
    Asset,
    directory,
    problem,
    recent_failure,
)
from transcription.services.outlook import remedy_for
from transcription.services.stages.requirements import (
    Requirements,
    needed,
    needs_of_site,
    unusable_folders,
)

TAG = "models"
IDS = {
    WHISPER: "transcription.W011",
    ALIGNER: "transcription.W012",
    PUNKT: "transcription.W013",
    DIARIZATION: "transcription.W014",
}


def models_are_there(**kwargs: Any) -> list[CheckMessage]:
    """The engine is installed, and what it needs is on the disk."""
    if registry.find(conf.ENGINE) is None:
        return []  # ENGINE has a check of its own
    return list(_problems(needs_of_site()))


def _problems(needs: Requirements) -> Iterator[CheckMessage]:
    if reason := registry.get(needs.engine).installation_error():
        hint = "Install its requirements, or set ENGINE to another one."
        yield Warning(reason, hint=hint, id="transcription.W010")
    for model, reason in unusable_folders(needs).items():
        hint = "Set WHISPER_MODEL or LANGUAGE_MODEL_OVERRIDES to a folder that holds a model."
        yield Warning(f"{model} is not a model: {reason}.", hint=hint, id=IDS[WHISPER])
    try:
        wanted = needed(needs)
    except EngineError as error:
        hint = "Look at WHISPER_MODEL, LANGUAGE_MODEL_OVERRIDES and ALIGN_MODELS."
        yield Warning(error.message, hint=hint, id=IDS[WHISPER])
        return
    for asset in wanted:
        if reason := problem(conf.MODELS_DIR, asset):
            yield _missing(asset, reason)


def _missing(asset: Asset, reason: str) -> CheckMessage:
    """What to say of an asset that is not there, or not whole."""
    label = f"{asset.label[:1].upper()}{asset.label[1:]}"
    there = directory(conf.MODELS_DIR, asset).exists()
    told = f"{label} is not whole: {reason}." if there else f"{label} is not there."
    if tried := recent_failure(conf.MODELS_DIR, asset):
        told += f" It could not be had a moment ago: {tried}"
    return Warning(told, hint=remedy_for(asset), id=IDS[asset.kind])

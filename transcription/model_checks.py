"""Checks whether files for the site's settings are missing (only with `--tag models`)."""

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
from transcription.services.outlook import INSTALL, NAME_A_FOLDER, label_of, no_model, remedy_for
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
    """The engine is installed, and its files are on the disk."""
    if registry.find(conf.ENGINE) is None:
        return []  # another check reports ENGINE
    return list(_problems(needs_of_site()))


def _problems(needs: Requirements) -> Iterator[CheckMessage]:
    if reason := registry.get(needs.engine).installation_error():
        yield Warning(reason, hint=INSTALL, id="transcription.W010")
    for model, reason in unusable_folders(needs).items():
        yield Warning(no_model(model, reason), hint=NAME_A_FOLDER, id=IDS[WHISPER])
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
    """The message about a missing or incomplete asset."""
    label = label_of(asset)
    there = directory(conf.MODELS_DIR, asset).exists()
    message = f"{label} is incomplete or damaged: {reason}." if there else f"{label} is missing."
    if tried := recent_failure(conf.MODELS_DIR, asset):
        message += f" The last download failed: {tried}"
    return Warning(message, hint=remedy_for(asset), id=IDS[asset.kind])

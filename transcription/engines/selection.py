"""Selects the engine for each stage: the chosen one if its models are available, else a fallback.

The worker calls it before a run, the engine's process before each later stage. Nothing heavy is
imported here; a download happens in its own process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from transcription.engines import models, registry
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE, EngineError, Request, ShouldStop
from transcription.engines.fallbacks.transcription import cause_of, draft_request
from transcription.engines.interface import Engine
from transcription.engines.model_files import assets
from transcription.engines.model_files.ensure_downloaded import (
    STALL,
    DownloadProgress,
    ModelUnavailable,
    obtain,
    unavailable_message,
)

WORK = {ALIGN: "align words", DIARIZE: "tell speakers apart"}
"""What fallbacks do, in words."""


@dataclass(frozen=True)
class Prepared:
    """A request that can run now."""

    request: Request
    note: str = ""  # for users: why another engine than the requested one runs it


def prepare(
    request: Request,
    models_dir: str | Path,
    on_progress: DownloadProgress = lambda done, total: None,
    should_stop: ShouldStop = lambda: False,
    stall: float = STALL,
) -> Prepared:
    """Finds or downloads what the transcription needs, or selects the fallback.

    Raises:
        EngineError: No engine here can run the request.
        Cancelled: should_stop() returned True.
    """
    engine = registry.get(request.engine)
    if TRANSCRIBE not in request.stages:
        return Prepared(request)
    if not engine.capabilities().models:
        request = replace(request, model="")  # a model named for other engines
    if engine.capabilities().needs_download:
        if reason := engine.installation_error():
            return Prepared(*draft_request(request, models_dir, reason))
        if models.is_path(request.model):
            request = replace(request, model_path=str(_local(request.model)))
        for asset in engine.assets(request, TRANSCRIBE):
            try:
                folder = obtain(asset, models_dir, on_progress, should_stop, stall)
            except ModelUnavailable as error:
                missing = unavailable_message(asset, error)
                cause = cause_of(request.model, str(error))
                return Prepared(*draft_request(request, models_dir, missing, cause))
            if asset.kind == assets.WHISPER:
                request = replace(request, model_path=str(folder))
    if reason := engine.readiness_error(request):
        raise EngineError("engine_not_ready", reason)
    return Prepared(request)


def engine_for(stage: str, request: Request) -> Engine:
    """The engine for this stage: the requested one, or the first fallback that is ready.

    Raises:
        EngineError: No engine here can do it.
    """
    if is_translation(stage, request):
        return registry.get(registry.UNIFORM)
    chosen = chosen_for(stage, request)
    if stage == TRANSCRIBE or (can(chosen, stage) and not chosen.readiness_error(request, stage)):
        return chosen
    for name in registry.FALLBACKS[stage]:
        if not registry.get(name).readiness_error(request, stage):
            return registry.get(name)
    raise EngineError("no_engine", f"No engine here can {WORK[stage]}.")


def select_ready(
    stage: str,
    request: Request,
    on_progress: DownloadProgress = lambda done, total: None,
    should_stop: ShouldStop = lambda: False,
) -> tuple[Engine, str]:
    """The engine for this stage, once its models are on the disk, and why it is a fallback.

    Speakers are not guessed: an engine that supports diarization does it, or says why it can't.

    Raises:
        EngineError: No engine here can do it.
        Cancelled: should_stop() returned True.
    """
    chosen = chosen_for(stage, request)
    if stage == TRANSCRIBE or not can(chosen, stage) or is_translation(stage, request):
        return engine_for(stage, request), ""
    reason = chosen.installation_error() or _missing(
        chosen, stage, request, on_progress, should_stop
    )
    reason = reason or chosen.readiness_error(request, stage)
    if stage == DIARIZE and reason:
        raise EngineError("model_unavailable", reason)
    return engine_for(stage, request), reason


def select(stage: str, request: Request) -> Engine:
    """The engine that would do this stage, if its downloads succeed.

    Raises:
        EngineError: No engine here can do it.
    """
    chosen = chosen_for(stage, request)
    if is_translation(stage, request):
        return engine_for(stage, request)
    if stage != TRANSCRIBE and can(chosen, stage) and not chosen.installation_error():
        if stage == DIARIZE or assets.missing(request.models_dir, chosen.assets(request, stage)):
            return chosen
    return engine_for(stage, request)


def may_download(request: Request) -> bool:
    """Whether the engine's process may have to download what a later stage needs."""
    if not request.models_dir:
        return False
    for stage in request.stages:
        chosen = chosen_for(stage, request)
        if stage == TRANSCRIBE or not can(chosen, stage) or chosen.installation_error():
            continue
        # The language decides which model aligns.
        downloads = chosen.capabilities().needs_download
        is_open = downloads and stage == ALIGN and request.language is None
        if is_open or assets.missing(request.models_dir, chosen.assets(request, stage)):
            return True
    return False


def is_translation(stage: str, request: Request) -> bool:
    """Whether translated words would be aligned: they were never spoken, so no model can."""
    return stage == ALIGN and request.task == "translate"


def chosen_for(stage: str, request: Request) -> Engine:
    """The requested engine for this stage."""
    return registry.get(request.engine if stage == TRANSCRIBE else request.asked or request.engine)


def can(engine: Engine, stage: str) -> bool:
    return stage in engine.capabilities().stages


def _missing(
    engine: Engine,
    stage: str,
    request: Request,
    on_progress: DownloadProgress,
    should_stop: ShouldStop,
) -> str:
    """Downloads what a stage needs; returns why that failed, or ""."""
    for asset in engine.assets(request, stage) if request.models_dir else ():
        try:
            obtain(asset, request.models_dir, on_progress, should_stop, request.stall)
        except ModelUnavailable as error:
            return unavailable_message(asset, error)
    return ""


def _local(model: str) -> Path:
    """One of the site's own model folders.

    Raises:
        EngineError: It isn't a model folder.
    """
    folder = models.folder_of(model)
    if problem := models.folder_problem(folder):
        raise EngineError("model_path", f'"{model}" is not a model folder: {problem}.')
    return folder

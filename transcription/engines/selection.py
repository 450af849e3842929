"""Which engine really runs a request: with its model if that can be had, else the stand-in.

Runs in the worker, so nothing heavy is imported here; a download happens in its own process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from transcription.engines import models, registry
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    TRANSCRIBE,
    Cancelled,
    EngineError,
    Request,
    ShouldStop,
)
from transcription.engines.interface import Engine
from transcription.engines.spawn import Helper

STALL = 10.0
"""Seconds without a byte after which a download is given up."""
STAND_IN = "pocketsphinx"
WORK = {ALIGN: "align words", DIARIZE: "tell speakers apart"}
"""What others may do for an engine that cannot."""
POLL = 0.1
DownloadProgress = Callable[[int, int | None], None]
"""Called with the bytes done and, once known, the bytes of the whole download."""


@dataclass(frozen=True)
class Prepared:
    """A request that can run now."""

    request: Request
    note: str = ""  # for people: why another engine than the one asked for runs it


def prepare(
    request: Request,
    models_dir: str | Path,
    on_progress: DownloadProgress = lambda done, total: None,
    should_stop: ShouldStop = lambda: False,
    stall: float = STALL,
) -> Prepared:
    """Find or download the model, or choose the engine that stands in for it.

    Raises:
        EngineError: the request can run with no engine of ours.
        Cancelled: should_stop() said so.
    """
    engine = registry.get(request.engine)
    if TRANSCRIBE not in request.stages:
        return Prepared(request)
    if not engine.capabilities().needs_download:
        if reason := engine.ready(request):
            raise EngineError("engine_not_ready", reason)
        return Prepared(request)
    if models.is_path(request.model):
        return Prepared(replace(request, model_path=str(_local(request.model))))
    try:
        folder = _named(request.model, Path(models_dir), on_progress, should_stop, stall)
    except _UnavailableError as error:
        return _stand_in(request, str(error))
    request = replace(request, model_path=str(folder))
    if reason := engine.ready(request):
        raise EngineError("engine_not_ready", reason)
    return Prepared(request)


def engine_for(stage: str, request: Request) -> Engine:
    """Who does this stage: the engine that was asked for, or the first stand-in that is ready.

    Raises:
        EngineError: nobody here can.
    """
    chosen = registry.get(request.engine)
    if stage == TRANSCRIBE or (
        stage in chosen.capabilities().stages and not chosen.ready(request, stage)
    ):
        return chosen
    for name in registry.STAND_INS[stage]:
        if not registry.get(name).ready(request, stage):
            return registry.get(name)
    raise EngineError("no_engine", f"No engine here can {WORK[stage]}.")


class _UnavailableError(Exception):
    """Why a model cannot be had just now."""


def _local(model: str) -> Path:
    """A model folder of the site's own.

    Raises:
        EngineError: it is none.
    """
    folder = Path(model).expanduser().absolute()
    if problem := models.folder_problem(folder):
        raise EngineError("model_path", f'"{model}" is not a model folder: {problem}.')
    return folder


def _named(
    model: str,
    models_dir: Path,
    on_progress: DownloadProgress,
    should_stop: ShouldStop,
    stall: float,
) -> Path:
    models.repository(model)  # an unknown name is final, whatever the network does
    folder = models.directory(models_dir, model)
    if not models.folder_problem(folder):
        return folder
    if folder.exists():
        raise _UnavailableError(f"{folder.name} in the models folder is damaged; please remove it.")
    if reason := models.recent_failure(models_dir, model):
        raise _UnavailableError(reason)
    try:
        _download(model, models_dir, on_progress, should_stop, stall)
    except _UnavailableError as error:
        with suppress(OSError):  # a folder that cannot be written is known by now
            models.remember_failure(models_dir, model, str(error))
        raise
    return folder


def _download(
    model: str,
    models_dir: Path,
    on_progress: DownloadProgress,
    should_stop: ShouldStop,
    stall: float,
) -> None:
    """Watch a download from outside, and kill it when no byte has come for `stall` seconds."""
    partial = models.partial(models_dir, model)
    helper = Helper(
        "transcription.engines.fetch",
        [str(models_dir), model],
        # The hub's other transport shows its bytes only at the end of each file.
        {"HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"},
    )
    held, moved, total = models.size_on_disk(partial), time.monotonic(), None
    try:
        while True:
            if should_stop():
                raise Cancelled
            message = helper.receive(POLL) or {"event": "nothing"}
            if message["event"] == "done":
                return
            if message["event"] == "total":
                total = message["bytes"]
            if message["event"] in ("failed", "died"):
                raise _UnavailableError(_why(message))
            now_held = models.size_on_disk(partial)
            if now_held != held or message["event"] == "checking":
                held, moved = now_held, time.monotonic()
                on_progress(held, total)
            if time.monotonic() - moved > stall:
                raise _UnavailableError(f"No byte came from {_host()} for {stall:g} seconds.")
    finally:
        helper.kill()


def _why(message: dict[str, Any]) -> str:
    if message["event"] == "failed":
        return str(message["reason"])
    return f"The download ended unexpectedly (exit status {message['status']})."


def _host() -> str:
    return urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").netloc


def _stand_in(request: Request, reason: str) -> Prepared:
    """The built-in engine in place of the one whose model is missing, where it can do it."""
    missing = f'The model "{request.model}" cannot be had: {reason}'
    stand_in = registry.get(STAND_IN)
    languages = stand_in.capabilities().languages or ()
    if request.language is not None and request.language not in languages:
        limit = f'The built-in engine that could stand in does not know "{request.language}".'
        raise EngineError("model_unavailable", f"{missing} {limit}")
    if request.task == "translate" and request.language is None:
        limit = "The built-in engine that could stand in cannot translate."
        raise EngineError("model_unavailable", f"{missing} {limit}")
    replaced = replace(request, engine=STAND_IN, model="", model_path="", task="transcribe")
    if problem := stand_in.ready(replaced):
        raise EngineError("model_unavailable", f"{missing} {problem}")
    label = stand_in.capabilities().label
    return Prepared(replaced, f"{missing} {label} stands in: this is a draft.")

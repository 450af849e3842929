"""Who transcribes where the model that was asked for can't be had: drafts, in English only.

First the built-in model, then the built-in engine.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from transcription.engines import registry
from transcription.engines.base import EngineError, Request
from transcription.engines.model_files import built_in

DETAIL = re.compile(r" \(([^()]*)\)$")
"""What an error says in brackets at its end."""


def draft_request(
    request: Request, models_dir: str | Path, missing: str, cause: str = ""
) -> tuple[Request, str]:
    """The request for the fallback, and a note for people.

    Args:
        request: What was asked for.
        models_dir: Where models lie.
        missing: What can't be had, and why, in whole sentences.
        cause: The same as the beginning of a sentence, if it is known.

    Raises:
        EngineError: No fallback can do it.
    """
    if limit := _limit(request):
        raise EngineError("model_unavailable", f"{missing} {limit}")
    request, asked = replace(request, asked=request.engine, task="transcribe"), request.language
    if built_in_is_ready(models_dir):
        drafted = replace(
            request,
            engine=registry.BUILT_IN_MODEL,
            model=built_in.NAME,
            model_path=str(built_in.folder(models_dir)),
            language="en",
        )
        return drafted, _note(missing, cause, is_assumed=asked is None)
    engine = registry.get(registry.BUILT_IN)
    drafted = replace(request, engine=engine.name, model="", model_path="")
    if reason := engine.readiness_error(drafted):
        raise EngineError("model_unavailable", f"{missing} {reason}")
    used = f"The built-in engine ({engine.capabilities().label}) was used."
    parts = ("Draft only.", missing, built_in_problem(models_dir), used)
    return drafted, " ".join(filter(None, parts))


def built_in_is_ready(models_dir: str | Path) -> bool:
    """Whether the built-in model is there, and what runs it."""
    runs = not registry.get(registry.BUILT_IN_MODEL).installation_error()
    return runs and built_in.folder(models_dir) is not None


def built_in_problem(models_dir: str | Path) -> str:
    """What is wrong with the built-in model, in a sentence; "" where it is whole or not there."""
    reason = built_in.problem(models_dir) if built_in.is_installed() else ""
    return reason and f"The built-in model ({built_in.NAME}) can't be used: {reason}."


def cause_of(model: str, reason: str) -> str:
    """Why a model can't be had, as the beginning of a sentence; "" where one can't say it so."""
    said = reason.removesuffix(".")
    if ". " in said:
        return ""
    said = DETAIL.sub(r": \1", said.removeprefix("There is "))
    said = said[:1].lower() + said[1:] if said.startswith("The ") else said
    return f'The "{model}" model couldn\'t be downloaded ({said})'


def _limit(request: Request) -> str:
    """Why no fallback can do this, in a sentence; "" where one can."""
    languages = registry.get(registry.BUILT_IN).capabilities().languages or ()
    if request.language is not None and request.language not in languages:
        return f'The built-in engine doesn\'t know "{request.language}".'
    if request.task == "translate" and request.language is None:
        return "The built-in engine can't translate."
    return ""


def _note(missing: str, cause: str, is_assumed: bool) -> str:
    used = f"the built-in model ({built_in.NAME}) was used."
    said = f"{cause}, so {used}" if cause else f"{missing} {used.capitalize()}"
    return f"Draft only. {said}{' English was assumed.' if is_assumed else ''}"

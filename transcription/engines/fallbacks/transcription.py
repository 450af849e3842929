"""Who transcribes where the requested model can't be had: the built-in model drafts English."""

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
        EngineError: The built-in model can't do it.
    """
    if reason := _limit(request) or built_in_problem(models_dir):
        raise EngineError("model_unavailable", f"{missing} {reason}")
    drafted = replace(
        request,
        asked=request.engine,
        engine=registry.BUILT_IN_MODEL,
        model=built_in.NAME,
        model_path=str(built_in.folder(models_dir)),
        language="en",
        task="transcribe",
    )
    return drafted, _note(missing, cause, is_assumed=request.language is None)


def built_in_problem(models_dir: str | Path) -> str:
    """Why the built-in model can't be used, in a sentence; "" where it can."""
    if reason := registry.get(registry.BUILT_IN_MODEL).installation_error():
        return reason
    reason = built_in.problem(models_dir)
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
    """Why no built-in model can do this, in a sentence; "" where one can."""
    if request.language not in (None, "en"):
        return f'The built-in model knows English only, not "{request.language}".'
    if request.task == "translate" and request.language is None:
        return "The built-in model can't translate."
    return ""


def _note(missing: str, cause: str, is_assumed: bool) -> str:
    used = f"the built-in model ({built_in.NAME}) was used."
    said = f"{cause}, so {used}" if cause else f"{missing} {used.capitalize()}"
    return f"Draft only. {said}{' English was assumed.' if is_assumed else ''}"

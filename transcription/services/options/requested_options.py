"""The requested options of a job, as clients see them."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from transcription.conf import conf
from transcription.engines.models import is_path
from transcription.services.options.parameters import task_params

DETECTED = "auto"


def told_params(parameters: BaseModel, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The `task_params` of a job that came by another door than the API's query; with all its keys.

    What the client did not say is told as this site decides it.

    Args:
        parameters: What the client said.
        wanted: Language, model and task of the job.
    """
    decided = {
        "language": told_language(wanted["language"]),
        "model": told_model(wanted["model"]),
        "task": wanted["task"],
    }
    for name, setting in (("device", conf.DEVICE), ("compute_type", conf.COMPUTE_TYPE)):
        if name not in parameters.model_fields_set:
            decided[name] = setting
    return {**(task_params(parameters) or {}), **decided}


def told_language(language: str) -> str:
    """A job's language as clients say it: empty means that it is detected."""
    return language or DETECTED


def told_model(model: str) -> str:
    """A model as anybody may know it: of a folder on this machine only its last name."""
    return re.split(r"[/\\]", model.rstrip("/\\"))[-1] if is_path(model) else model

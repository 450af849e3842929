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
    """The `task_params` of a job that did not come by the API's query; with all keys.

    Missing values are this site's defaults.

    Args:
        parameters: From the client.
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
    """A job's language as clients write it; empty means that it is detected."""
    return language or DETECTED


def told_model(model: str) -> str:
    """A model's public name: of a folder on this machine only the last part."""
    return re.split(r"[/\\]", model.rstrip("/\\"))[-1] if is_path(model) else model

"""Converts a request's query to a job's options.

Only the query has options: form fields of the same names are ignored.
"""

from typing import Any, TypeVar, cast, get_origin
from urllib.parse import parse_qsl

from django.http import HttpRequest
from pydantic import BaseModel, ValidationError
from rest_framework.request import Request

from transcription.api.errors import ApiError, Invalid, detail
from transcription.api.shapes import Fault
from transcription.models import TaskType
from transcription.services.jobs.submit import JobSpec
from transcription.services.options.default_language import default_language
from transcription.services.options.parameters import (
    AlignParameters,
    CombineParameters,
    DiarizeParameters,
    FullParameters,
    ModelParameters,
    QueueParameters,
    TranscribeParameters,
    task_params,
)
from transcription.services.options.priority import priority_named

__all__ = (
    "AlignParameters",
    "CombineParameters",
    "DiarizeParameters",
    "FullParameters",
    "TranscribeParameters",
)

M = TypeVar("M", bound=BaseModel)

MOST_PARAMETERS = 1000

OF_THE_JOB = frozenset(("language", "model", "task", "callback_url", "priority"))
"""Parameters that are columns of a job; all others are options."""


def parse_query(model: type[M], request: HttpRequest | Request) -> tuple[M | None, list[Fault]]:
    """The parameters in a query, or all its faults.

    Unknown keys are ignored. The last value of a repeated key counts, unless the parameter is a
    list.

    Raises:
        ApiError: It has too many parameters.
    """
    said = str(request.META.get("QUERY_STRING", ""))
    try:
        pairs = parse_qsl(said, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError as problem:
        message = f"Too many parameters. Maximum number of parameters is {MOST_PARAMETERS}."
        raise ApiError(detail(400, message)) from problem
    values: dict[str, Any] = {}
    for name, value in pairs:
        field = model.model_fields.get(name)
        if field is None:
            continue
        if get_origin(field.annotation) is list:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    try:
        return model.model_validate(values), []
    except ValidationError as problem:
        return None, faults_of(problem, "query")


def read_query(model: type[M], request: HttpRequest | Request) -> M:
    """The parameters in a query.

    Raises:
        Invalid: With all faults of the query.
    """
    parameters, faults = parse_query(model, request)
    if parameters is None:
        raise Invalid(faults)
    return parameters


def faults_of(problem: ValidationError, *place: str) -> list[Fault]:
    """pydantic's errors in the shape that clients know.

    Args:
        problem: pydantic's exception.
        place: Where the values came from, such as `query`.
    """
    found = problem.errors(include_url=False)
    return [{**cast(Fault, fault), "loc": [*place, *fault["loc"]]} for fault in found]


def options_of(parameters: BaseModel) -> dict[str, Any]:
    """Flat, by the API's names, for engines."""
    return parameters.model_dump(mode="json", exclude=set(OF_THE_JOB))


def spec_of(task_type: TaskType, parameters: BaseModel, **facts: Any) -> JobSpec:
    """The JobSpec of a request's parameters.

    If the query has no language, the file name may have one (LANGUAGE_PATTERNS).

    Args:
        task_type: What to do.
        parameters: The parsed query.
        facts: Further attributes of JobSpec, such as the file's name.
    """
    if isinstance(parameters, ModelParameters):
        named = default_language(facts.get("file_name", ""))
        if named and "language" not in parameters.model_fields_set:
            parameters = parameters.model_copy(update={"language": named})
        facts = {
            "model": parameters.model,
            "language": parameters.language,
            "task": parameters.task,
            **facts,
        }
    if isinstance(parameters, QueueParameters):
        facts = {"priority": priority_named(parameters.priority), **facts}
    if isinstance(parameters, FullParameters) and parameters.callback_url:
        facts = {"callback_url": str(parameters.callback_url), **facts}
    return JobSpec(
        task_type=task_type,
        options=options_of(parameters),
        params=task_params(parameters),
        **facts,
    )

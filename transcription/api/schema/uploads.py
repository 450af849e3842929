"""The upload protocol's description from `uploads`, with this site's keys, options and jobs."""

from typing import Any

from transcription.api.schema.responses import NEEDS_KEY, NO_PRIORITY, NOT_ALLOWED
from uploads.http import description as tus

METADATA = (
    "Keys and Base64 values: `filename`, `filetype`, `taskId` (a UUID that becomes the task's "
    "identifier), and every option of `/speech-to-text` by its own name."
)
TASK_ID = {"schema": tus.TEXT, "description": "The task of the finished upload."}
NO_RECORDING = "The file isn't a recording."
REFUSALS: dict[str, dict[int, str]] = {
    "post": {
        403: NO_PRIORITY,
        409: "The taskId is in use.",
        415: NO_RECORDING,
        422: "An option in the metadata is invalid.",
    },
    "patch": {403: NOT_ALLOWED, 415: NO_RECORDING},
    "delete": {403: NOT_ALLOWED},
}
"""The refusals of this site, besides requests without a key."""


def paths() -> dict[str, Any]:
    """Every operation, by address and method."""
    described = tus.paths()
    for operations in described.values():
        for method, operation in operations.items():
            body = {} if method == "head" else tus.REFUSAL
            for status, sentence in {401: NEEDS_KEY, **REFUSALS.get(method, {})}.items():
                refuse(operation["responses"], status, sentence, body)
            tell_of_jobs(operation)
    return described


def refuse(answers: dict[str, tus.Part], status: int, sentence: str, body: tus.Part) -> None:
    """Adds a refusal to the responses of an operation, or to the text of the same status."""
    if known := answers.get(str(status)):
        known["description"] += f" Or: {sentence}"
    else:
        answers[str(status)] = {"description": sentence, **body}


def tell_of_jobs(operation: tus.Part) -> None:
    """Describes the metadata that this site reads, and that finished uploads become jobs."""
    for parameter in operation["parameters"]:
        if parameter["name"] == "Upload-Metadata":
            parameter["description"] = METADATA
    for answer in operation["responses"].values():
        if "Upload-Expires" in answer.get("headers", ()):
            answer["headers"]["X-Task-Id"] = TASK_ID

"""The options chosen on the page when a job runs again."""

from collections.abc import Mapping
from typing import Any

from transcription.models import Job
from transcription.services.options.upload_options import DETECT, problems_of, read_options

FIELDS = ("language", "model", "task")
STEPS = ("align", "diarize")
NUMBERS = ("min_speakers", "max_speakers", "audio_track")
LONGEST = 1000  # characters of a value; a strange one is repeated in the refusal


class NotUnderstood(Exception):
    """An invalid value; the message says why."""


def changes_of(job: Job, said: Mapping[str, str], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that `run_again` is to make of a form's values.

    What is not said stays as it is, and so does a step that would be done, or left out, anyhow:
    else its output would count as made by other wishes, and be made anew.

    Args:
        job: The one that runs again.
        said: By the names of upload metadata; an empty number takes a bound away.
        usual: Whether each step would be done by default.

    Raises:
        NotUnderstood: A value that no upload may have either.
    """
    values = {name: said[name][:LONGEST] for name in (*FIELDS, *STEPS, *NUMBERS) if name in said}
    if values.get("model") in ("", job.model):
        del values["model"]
    metadata = {name: value.encode() for name, value in values.items()}
    if problems := problems_of(metadata):
        raise NotUnderstood(" ".join(problems))
    parameters, _ = read_options(metadata)
    changes: dict[str, Any] = {name: getattr(parameters, name) for name in FIELDS if name in values}
    if changes.get("language") in DETECT:
        changes["language"] = ""
    if not changes.get("task", "transcribe"):
        del changes["task"]
    options = {name: getattr(parameters, name) for name in NUMBERS if name in values}
    for name in STEPS:
        wanted = getattr(parameters, name)
        if wanted not in (None, usual[name]):
            options[name] = wanted
    return changes | ({"options": options} if options else {})

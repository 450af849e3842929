"""The options chosen on the page when a job runs again."""

from collections.abc import Mapping
from typing import Any

from transcription.models import Job
from transcription.services.options.upload_options import DETECT, problems_of, read_options

FIELDS = ("language", "model", "task")
STEPS = ("align", "diarize")
NUMBERS = ("min_speakers", "max_speakers", "audio_track")
LONGEST = 1000  # characters of a value; the refusal repeats an invalid one


class NotUnderstood(Exception):
    """An invalid value; the message says why."""


def changes_of(job: Job, said: Mapping[str, str], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The changes for `run_again` from a form's values.

    Missing values stay as they are. So does a step that would be done, or skipped, anyway:
    otherwise its output would count as changed, and be created again.

    Args:
        job: The job that runs again.
        said: By the names of upload metadata; an empty number removes a limit.
        usual: Whether each step is done by default.

    Raises:
        NotUnderstood: A value that uploads may not have either.
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

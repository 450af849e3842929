"""The outputs of jobs' stages: stored as soon as they are done, joined at the end."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from transcription.engines.base import ALIGN, DIARIZE, STAGES, TRANSCRIBE, Output
from transcription.http.gradual_json import Encoded
from transcription.models import Job, StageOutput, State, TaskType
from transcription.services.jobs.events import note
from transcription.services.jobs.leases import lease_end
from transcription.services.sanitize import as_segments, as_text, clean_fields, clean_json
from transcription.services.stages.plan import MAIN
from transcription.services.stages.speakers import assign

FAILED = {
    ALIGN: "The words could not be aligned",
    DIARIZE: "The speakers could not be told apart",
}


def by_stage_for(job: Job) -> dict[str, StageOutput]:
    """The kept outputs of a job by stage, in the order of the stages."""
    return by_stage(StageOutput.objects.filter(job=job))


def without_output(job: Job) -> dict[str, StageOutput]:
    """The same without the outputs themselves, which may be long."""
    return by_stage(StageOutput.objects.filter(job=job).defer("output"))


def by_stage(found: Iterable[StageOutput]) -> dict[str, StageOutput]:
    """Outputs of one job in the order of the stages."""
    rows = {row.name: row for row in found}
    return {stage: rows[stage] for stage in STAGES if stage in rows}


def keep(job: Job, output: Output) -> bool:
    """Stores a stage's output, if the claim is still valid; safe to repeat.

    Args:
        job: As claimed.
        output: From the engine.

    Returns:
        False: another worker has the job, or it is gone.
    """
    facts = facts_of(job, output)
    values = {
        "output": Encoded(storable(output.stage, output.value)),
        "given": False,
        "engine": output.engine,
        "note": as_text(output.note),
        "warnings": [as_text(warning) for warning in output.warnings],
        "at": timezone.now(),
    }
    with transaction.atomic():
        ours = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING)
        if not ours.update(lease_expires=lease_end(), **clean_fields(facts)):
            return False
        StageOutput.objects.update_or_create(job_id=job.pk, name=output.stage, defaults=values)
        note(job.pk, f"Done: {StageOutput.Name(output.stage).label}, by {output.engine}.")
    return True


def facts_of(job: Job, output: Output) -> dict[str, Any]:
    """The fields of the job's row that come from its main stage."""
    if output.stage != MAIN.get(job.task_type):
        return {}
    facts = {"engine_used": output.engine, "model_used": output.model, "engine_note": output.note}
    if output.stage == TRANSCRIBE:
        facts["language_used"] = output.value["language"] or ""
    return facts


def storable(stage: str, value: Any) -> Any:
    """An engine's output in a form that every database can store."""
    if stage == DIARIZE:
        turns = (clean_json(turn) for turn in value)
        return [turn for turn in turns if {"start", "end", "speaker"} <= turn.keys()]
    kept: dict[str, Any] = {**value, "segments": as_segments(value["segments"])}
    if stage == ALIGN:
        kept["word_segments"] = clean_json(value["word_segments"])
    else:
        kept["language"] = clean_json(value["language"])
    return kept


def forget(job: Job, stages: Collection[str]) -> None:
    """Deletes outputs that will be made again."""
    StageOutput.objects.filter(job=job, name__in=stages, given=False).delete()


def transcript(
    job: Job, kept: Mapping[str, StageOutput], check_cancelled: Callable[[], None]
) -> list[dict[str, Any]] | None:
    """The joined words and speakers of a job; None if its type has none."""
    if job.task_type == TaskType.DIARIZATION:
        return None
    source = kept.get(ALIGN) or kept[TRANSCRIBE]
    segments: list[dict[str, Any]] = source.output["segments"]
    return assign(segments, kept[DIARIZE].output, check_cancelled) if DIARIZE in kept else segments


def remarks(
    kept: Mapping[str, StageOutput], failures: Mapping[str, str]
) -> dict[str, str | list[str]]:
    """A job's note and warnings."""
    notes = (row.note for row in kept.values())
    warnings = [warning for row in kept.values() for warning in row.warnings]
    for stage, reason in failures.items():
        repeats = "Running the job again repeats that alone."
        warnings.append(f"{FAILED[stage]}: {reason} {repeats}")
    return {"engine_note": " ".join(once(notes)), "warnings": once(warnings)}


def once(texts: Iterable[str]) -> list[str]:
    """The non-empty texts, without duplicates."""
    return list(dict.fromkeys(text for text in texts if text))

"""Which stages a job has, which ones remain, and which ones a changed option invalidates."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from transcription.conf import conf
from transcription.engines import registry
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE, EngineError, Request
from transcription.engines.selection import select
from transcription.models import Job, StageOutput, TaskType
from transcription.services.options.requested_options import told_language, told_model
from transcription.services.stages.requirements import model_for

MAIN: Mapping[str, str] = {
    TaskType.FULL: TRANSCRIBE,
    TaskType.TRANSCRIPTION: TRANSCRIBE,
    TaskType.ALIGNMENT: ALIGN,
    TaskType.DIARIZATION: DIARIZE,
}
"""The main stage of each job type, without which the job fails; joining documents needs none."""
PERFORMANCE_OPTIONS = frozenset(("device", "device_index", "threads"))
"""Options that change how fast a stage is done, not its output."""
OF_ALIGNMENT = frozenset(("align", "align_model", "interpolate_method", "return_char_alignments"))
OF_DIARIZATION = frozenset(("diarize", "min_speakers", "max_speakers"))
OF_THE_SOUND = frozenset(("audio_track",))
OF_TRANSCRIPTION = ("model", "language", "task")  # fields of the job


def wanted(job: Job, transcriber: str) -> list[str]:
    """All stages of a job, in order.

    Args:
        job: Its type, engine and options count.
        transcriber: The engine that transcribes it: if that returns word times, no alignment is
            needed.
    """
    if job.task_type != TaskType.FULL:
        return [MAIN[job.task_type]] if job.task_type in MAIN else []
    stages = [TRANSCRIBE]
    if wants_words(job) and not gives_words(transcriber):
        stages.append(ALIGN)
    if wants_speakers(job):
        stages.append(DIARIZE)
    return stages


def remaining(job: Job, done: Mapping[str, StageOutput], transcriber: str = "") -> list[str]:
    """The stages that remain.

    Args:
        job: See `wanted`.
        done: Its kept outputs, by stage.
        transcriber: The engine that would transcribe it, if that remains; empty: the job's own.
    """
    if TRANSCRIBE in done:
        transcriber = done[TRANSCRIBE].engine
    return [stage for stage in wanted(job, transcriber or job.engine) if stage not in done]


def gives_words(name: str) -> bool:
    """Whether an engine's transcription has word times; assumed for unknown engines."""
    engine = registry.find(name)
    return engine is None or engine.capabilities().words


def wants_words(job: Job) -> bool:
    """Whether to align words, if there are no word times; the option `align` can turn it off."""
    return bool(job.options.get("align", True))


def wants_speakers(job: Job) -> bool:
    """Whether to tell speakers apart: as the option `diarize` says, else if it is useful.

    Without a capable engine, the fallback assigns all speech to one speaker. That is only useful to
    clients that expect a speaker.
    """
    if (said := job.options.get("diarize")) is not None:
        return bool(said)
    engine = registry.find(job.engine)
    able = engine is not None and DIARIZE in engine.capabilities().stages
    asked = any(job.options.get(name) for name in OF_DIARIZATION)
    # Uploads have a parameter that shows whether they could have asked; the API always wants it.
    counts_on_it = job.params is not None and "diarize" not in job.params
    return able or asked or counts_on_it


@dataclass(frozen=True)
class Change:
    """The changes when a job runs again.

    Attributes:
        fields: New values of the job's engine, model, language and task.
        options: New values in `Job.options`; None removes one.
    """

    fields: Mapping[str, Any]
    options: Mapping[str, Any]

    def options_of(self, job: Job) -> dict[str, Any]:
        """All options after the change."""
        merged = {**job.options, **self.options}
        return {name: value for name, value in merged.items() if value is not None}

    def params_of(self, job: Job) -> dict[str, Any] | None:
        """The parameters that the API will show: the same keys, the new values."""
        if job.params is None:
            return None
        said = {**self.fields, **self.options}
        if "language" in said:
            said["language"] = told_language(said["language"])
        if "model" in said:
            said["model"] = told_model(said["model"])
        nested = {
            name: {**value, **{key: said[key] for key in value if key in said}}
            for name, value in job.params.items()
            if isinstance(value, dict)
        }
        flat = {name: said[name] for name in job.params if name in said}
        params = {**job.params, **flat, **nested}
        for name in OF_THE_SOUND & said.keys():  # only shown if it was requested
            if said[name] is None:
                params.pop(name, None)
            else:
                params[name] = said[name]
        return params


def invalidated(job: Job, done: Mapping[str, StageOutput], change: Change) -> set[str]:
    """Which kept outputs would change with other options or another engine.

    A fallback's output is invalid as soon as a better engine is available. Outputs from the client
    are never invalid.
    """
    gone = affected_stages(job, change) | {
        stage for stage, kept in done.items() if kept.engine != engine_now(job, stage, change)
    }
    if TRANSCRIBE in gone:
        gone.add(ALIGN)
    return {stage for stage in gone if stage in done and not done[stage].given}


def affected_stages(job: Job, change: Change) -> set[str]:
    """The stages that depend on what changes."""
    before, after = dict(job.options), change.options_of(job)
    differs = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    stages = set()
    if any(
        effective(name, value) != effective(name, getattr(job, name))
        for name, value in change.fields.items()
        if name in OF_TRANSCRIPTION
    ):
        stages.add(TRANSCRIBE)
    if differs - PERFORMANCE_OPTIONS - OF_ALIGNMENT - OF_DIARIZATION:
        stages.add(TRANSCRIBE)
    if differs & (OF_ALIGNMENT | OF_THE_SOUND):
        stages.add(ALIGN)
    if differs & (OF_DIARIZATION | OF_THE_SOUND):
        stages.add(DIARIZE)
    return stages


def effective(name: str, value: str) -> str:
    """The value of a job's empty field."""
    return value or (conf.WHISPER_MODEL if name == "model" else "")


def engine_now(job: Job, stage: str, change: Change) -> str:
    """The engine that would do a stage now, if its models are available; empty: none can."""
    names = ("engine", *OF_TRANSCRIPTION)
    now = {name: change.fields.get(name, getattr(job, name)) for name in names}
    request = Request(
        "",
        now["engine"] or conf.ENGINE,
        model=model_for(now["language"], now["model"]),
        language=job.language_used or now["language"] or None,
        task=now["task"] or "transcribe",
        options=job.options,
        aligners=tuple(conf.ALIGN_MODELS),
        models_dir=conf.MODELS_DIR,
    )
    try:
        return select(stage, request).name
    except EngineError:
        return ""


def names_of(stages: Collection[str]) -> str:
    return " and ".join(StageOutput.Name(stage).label for stage in stages)

"""Progress reports of running jobs; nothing is written unless the claim is still valid."""

from collections.abc import Sequence
from typing import Any

from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE, WORKING
from transcription.models import Job, Stage, State
from transcription.services.sanitize import clean_fields

# Only work on the audio counts: reading it and loading a model take little time beside that, and
# joining the outputs takes none.
SHARES = {TRANSCRIBE: 6, ALIGN: 2, DIARIZE: 2}
JOINING = 99.0
STAGE_OF = {Stage(shown): stage for stage, shown in WORKING.items()}
TIMED = (Stage.DECODING, *STAGE_OF)


def percent_of(
    stage: str, done: float, total: float | None, plan: Sequence[str] = (TRANSCRIBE,)
) -> float:
    """The progress of the work on the audio, 0 to 100.

    Args:
        stage: The current stage.
        done: Seconds or bytes done in that stage.
        total: Their total, if known.
        plan: All stages that the engine does.
    """
    if stage == Stage.COMBINING:
        return JOINING
    working = STAGE_OF.get(Stage(stage))
    if working is None or working not in plan:
        return 0.0
    share = min(max(done / total, 0.0), 1.0) if total else 0.0
    before = sum(SHARES[other] for other in plan[: plan.index(working)])
    whole = sum(SHARES[other] for other in plan)
    return 100 * (before + SHARES[working] * share) / whole


def report(
    job: Job,
    stage: str,
    done: float,
    total: float | None,
    plan: Sequence[str],
    speed: float | None = None,
) -> None:
    """Writes the stage and its progress; stages that only the engine knows are not shown.

    Args:
        job: As claimed.
        stage: The current stage.
        done: Seconds or bytes done in that stage.
        total: Their total, if known.
        plan: All stages that the engine does.
        speed: Seconds of audio per second of work in that stage, if known.
    """
    if stage not in Stage.values:
        return
    facts: dict[str, Any] = {"stage": stage}
    if stage in (*STAGE_OF, Stage.COMBINING):  # others don't change the percentage
        facts["percent"] = percent_of(stage, done, total, plan)
    if stage in TIMED:
        facts |= {"seconds_done": done, "seconds_total": total, "speed": speed}
    write(job, facts)


def report_media(job: Job, media: dict[str, Any]) -> None:
    """Writes what the probe found; an already measured length takes precedence."""
    facts = media_facts(media)
    if job.audio_duration is not None:
        del facts["audio_duration"]
    write(job, facts)


def media_facts(media: dict[str, Any]) -> dict[str, Any]:
    return {
        "media_type": media.get("mime") or "",
        "has_video": bool(media.get("has_video")),
        "audio_tracks": media.get("audio_tracks"),
        "audio_duration": media.get("duration"),
    }


def write(job: Job, facts: dict[str, Any]) -> None:
    """Updates the job's row, if the claim is still valid."""
    ours = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING)
    ours.update(**clean_fields(facts))

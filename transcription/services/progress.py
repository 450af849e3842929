"""What a working job tells about itself; nothing is written unless the claim still rules."""

from typing import Any

from transcription.models import Job, Stage, State
from transcription.services.storable import as_facts

# Reading the sound is a tenth of the way, the engine's work the rest.
DECODING_SHARE = 10.0


def percent_of(stage: str, done: float, total: float | None) -> float:
    """How far the whole job is, 0 to 100, from the seconds or bytes done in one stage."""
    share = min(max(done / total, 0.0), 1.0) if total else 0.0
    if stage == Stage.DECODING:
        return DECODING_SHARE * share
    if stage == Stage.LOADING:
        return DECODING_SHARE
    if stage == Stage.TRANSCRIBING:
        return DECODING_SHARE + (100 - DECODING_SHARE) * share
    return 0.0


def report(job: Job, stage: str, done: float, total: float | None) -> None:
    """Show the stage and how far it is; a stage that only the engine knows is not shown."""
    if stage not in Stage.values:
        return
    facts: dict[str, Any] = {"stage": stage, "percent": percent_of(stage, done, total)}
    if stage == Stage.TRANSCRIBING:
        facts["seconds_done"] = done
    write(job, facts)


def report_media(job: Job, media: dict[str, Any]) -> None:
    """Show what the probe found."""
    write(
        job,
        {
            "media_type": media.get("mime") or "",
            "has_video": bool(media.get("has_video")),
            "audio_duration": media.get("duration"),
        },
    )


def write(job: Job, facts: dict[str, Any]) -> None:
    """Change the job's row, if the claim still rules."""
    ours = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING)
    ours.update(**as_facts(facts))

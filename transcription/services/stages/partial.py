"""The text of a job so far, for pages and clients that show it while it grows.

A place in it is a time in seconds: it stays valid when the kept chunks become the stage's output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, QuerySet

from transcription.models import DONE, Job, StageOutput, TranscribedChunk
from transcription.services.stages.results import output_of

MOST_CHUNKS = 50
"""Chunks in one part; chunks of half a minute are 25 minutes of sound."""


@dataclass(frozen=True)
class Part:
    """Some of the segments that are there.

    Attributes:
        segments: In order.
        after: Where they begin: as requested, or 0 if less than that is there, because the
            transcription has begun anew.
        next: Where the next part begins.
        more: Whether it is there already.
        reached: Seconds of sound that have been transcribed.
        language: As spoken, if known.
    """

    segments: Sequence[dict[str, Any]]
    after: float
    next: float
    more: bool
    reached: float
    language: str | None


def part_of(job: Job, after: float = 0.0) -> Part:
    """The segments from a place on; of an ended job, those of its whole transcription.

    Args:
        job: In any state.
        after: The `next` of the part before; 0: from the beginning.
    """
    rows = TranscribedChunk.objects.filter(job=job)
    reached = None if job.state in DONE else rows.aggregate(end=Max("end"))["end"]
    return part_of_output(job, after) if reached is None else part_of_chunks(rows, after, reached)


def part_of_chunks(rows: "QuerySet[TranscribedChunk]", after: float, reached: float) -> Part:
    after = after if after <= reached else 0.0
    found = list(rows.filter(start__gte=after).order_by("number")[: MOST_CHUNKS + 1])
    shown = found[:MOST_CHUNKS]
    return Part(
        segments=[segment for chunk in shown for segment in chunk.segments],
        after=after,
        next=shown[-1].end if shown else after,
        more=len(found) > len(shown),
        reached=reached,
        language=next((chunk.language for chunk in shown if chunk.language), None),
    )


def part_of_output(job: Job, after: float) -> Part:
    """From the output of the transcription, if it is there; whole, however long it is."""
    if after and after >= (job.audio_duration or float("inf")):  # not loaded to show nothing of it
        return Part([], after, after, more=False, reached=after, language=None)
    kept = output_of(job, StageOutput.Name.TRANSCRIBE)
    if kept is None:
        return Part([], 0.0, 0.0, more=False, reached=0.0, language=None)
    segments = kept["segments"]
    end = max([job.audio_duration or 0.0, *(segment["end"] for segment in segments[-1:])])
    return Part(
        segments=[segment for segment in segments if segment["start"] >= after],
        after=after,
        next=end,
        more=False,
        reached=end,
        language=kept.get("language"),
    )

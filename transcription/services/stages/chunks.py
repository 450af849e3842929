"""The chunks of transcriptions: kept as soon as they are done, so that a job goes on after them."""

import hashlib
import json
import logging
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection, transaction

from transcription.engines.base import Chunk, Request
from transcription.http.gradual_json import Encoded
from transcription.models import DONE, Job, State, TranscribedChunk
from transcription.services.jobs.leases import lease_end
from transcription.services.sanitize import as_segments, clean_json
from transcription.services.stages.plan import (
    OF_ALIGNMENT,
    OF_DIARIZATION,
    PERFORMANCE_OPTIONS,
)

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
WITHOUT_EFFECT = PERFORMANCE_OPTIONS | OF_ALIGNMENT | OF_DIARIZATION | {"batch_size"}
"""Options that don't change what a chunk's text is."""


def recipe_of(request: Request) -> str:
    """What a chunk's text depends on besides its sound; texts of another recipe don't fit."""
    options = {key: request.options[key] for key in sorted(request.options.keys() - WITHOUT_EFFECT)}
    parts = (request.engine, request.model, request.model_path, request.language, request.task)
    recipe = json.dumps([*parts, request.compute_type, options], default=str)
    return hashlib.sha256(recipe.encode()).hexdigest()


def kept_for(job: Job, recipe: str) -> list[dict[str, Any]]:
    """The kept chunks of a job in order, as a request has them; those of another recipe go."""
    rows = TranscribedChunk.objects.filter(job=job)
    rows.exclude(recipe=recipe).delete()
    columns = ("start", "end", "segments", "language", "language_probability")
    found = rows.order_by("number").values(*columns)
    return [{**chunk, "language": chunk["language"] or None} for chunk in found]


def keep(job: Job, first: int, chunks: Sequence[Chunk], recipe: str) -> bool:
    """Keeps chunks, if the claim is still valid; safe to repeat.

    Because the work goes on, earlier deaths of the engine no longer count.

    Args:
        job: As claimed.
        first: The position of the first one in the recording.
        chunks: From the engine.
        recipe: See `recipe_of`.

    Returns:
        False: another worker has the job, or it is gone.
    """
    rows = [
        TranscribedChunk(
            job_id=job.pk,
            number=number,
            start=chunk.start,
            end=chunk.end,
            segments=Encoded(as_segments(chunk.segments)),
            language=clean_json(chunk.language) or "",
            language_probability=chunk.language_probability,
            recipe=recipe,
        )
        for number, chunk in enumerate(chunks, first)
    ]
    with transaction.atomic():
        ours = Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING)
        if not ours.update(lease_expires=lease_end(), engine_deaths=0):
            return False
        TranscribedChunk.objects.bulk_create(rows, ignore_conflicts=True)
    return True


def since(job_id: uuid.UUID, first: int) -> list[TranscribedChunk]:
    """Chunks from this position on, in order; none while the database doesn't answer.

    At most some dozens: the next call returns more.
    """
    later = TranscribedChunk.objects.filter(job_id=job_id, number__gte=first).order_by("number")
    try:
        return list(later[:MOST_AT_ONCE])
    except DatabaseError:
        logger.warning(
            "the database doesn't answer; the text of job %s is sent later",
            job_id,
            extra={"job_id": job_id},
        )
        connection.close()
        return []


def forget() -> None:
    """Removes the chunks of jobs that have their transcript.

    Those of a failed or cancelled job stay: if it runs again, it goes on after them.
    """
    TranscribedChunk.objects.filter(job__state__in=DONE).delete()

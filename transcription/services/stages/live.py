"""Segments of a running job, for its streaming client."""

import logging
import uuid
from collections.abc import Sequence

from django.db import Error as DatabaseError
from django.db import connection

from transcription.engines.base import Chunk
from transcription.models import ENDED, Job, LiveText, State
from transcription.services.sanitize import clean_text

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500


def keep(job: Job, first: int, chunks: Sequence[Chunk]) -> int:
    """Stores segments, if the claim is still valid; a repeated run changes none.

    Args:
        job: As claimed.
        first: The position of the first one in the transcription.
        chunks: From the engine.

    Returns:
        The number of segments.
    """
    if not Job.objects.filter(pk=job.pk, token=job.token, state=State.PROCESSING).exists():
        return 0
    spoken = [(one["text"], chunk.language) for chunk in chunks for one in chunk.segments]
    texts = [
        LiveText(
            job_id=job.pk,
            number=number,
            text=clean_text(str(text)),
            language=str(language or ""),
        )
        for number, (text, language) in enumerate(spoken, first)
    ]
    LiveText.objects.bulk_create(texts, ignore_conflicts=True)
    return len(texts)


def heard_from(job_id: uuid.UUID, first: int) -> list[LiveText]:
    """Segments from this position on, in order; none while the database doesn't answer.

    At most some hundreds: the next call returns more.
    """
    later = LiveText.objects.filter(job_id=job_id, number__gte=first).order_by("number")
    try:
        return list(later[:MOST_AT_ONCE])
    except DatabaseError:
        logger.warning("the database doesn't answer; the text of job %s is sent later", job_id)
        connection.close()
        return []


def forget() -> None:
    """Removes segments of jobs that have ended and have their transcript."""
    LiveText.objects.filter(job__state__in=ENDED).delete()

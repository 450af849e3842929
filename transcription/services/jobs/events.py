"""What happened to a job, for staff who ask why."""

import logging
import uuid

from django.db import IntegrityError, transaction

from transcription.models import JobEvent
from transcription.services.sanitize import as_text

logger = logging.getLogger(__name__)


def note(job_id: uuid.UUID, what: str) -> None:
    """One line in the job's history, and in the log; a job deleted meanwhile needs none."""
    what = as_text(what)
    logger.info("job %s: %s", job_id, " ".join(what.split()))
    try:
        with transaction.atomic():  # also within another transaction, which must go on
            JobEvent.objects.create(job_id=job_id, what=what)
    except IntegrityError:
        logger.info("job %s is gone", job_id)

"""The history of jobs, for staff."""

import logging
import uuid

from django.db import IntegrityError, transaction

from transcription.models import JobEvent
from transcription.services.sanitize import as_text

logger = logging.getLogger(__name__)


def note(job_id: uuid.UUID, what: str) -> None:
    """Adds a line to the job's history and the log; ignores a deleted job."""
    what = as_text(what)
    about = {"job_id": job_id}
    logger.info("job %s: %s", job_id, " ".join(what.split()), extra=about)
    try:
        with transaction.atomic():  # also within an outer transaction, which must continue
            JobEvent.objects.create(job_id=job_id, what=what)
    except IntegrityError:
        logger.info("job %s is gone", job_id, extra=about)

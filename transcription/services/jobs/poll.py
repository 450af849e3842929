"""Polls a job until its end."""

import logging
import time
import uuid
from collections.abc import Iterator

from django.db import Error as DatabaseError
from django.db import connection

from transcription.models import Job
from transcription.services.db_connection import release_connection

logger = logging.getLogger(__name__)

SHORTEST, LONGEST = 0.05, 0.5
"""Seconds between two looks: short jobs are answered quickly, long ones cost little."""
SLOWER = 1.1  # the factor from each pause to the next


def follow(job_id: uuid.UUID) -> Iterator[Job | None]:
    """The job's current row, again and again; None: it was deleted. The caller decides when to
    stop.

    Between two looks no transaction and (if connections are few) no database connection is held,
    and other clients of the same process are served. While the database doesn't answer, the last
    known row is returned.
    """
    pause = SHORTEST
    job: Job | None = Job(pk=job_id)
    while job is not None:
        try:
            job = Job.objects.select_related("upload").filter(pk=job_id).first()
        except DatabaseError:
            about = {"job_id": job_id}
            logger.warning(
                "the database doesn't answer; still waiting for job %s", job_id, extra=about
            )
            connection.close()
        yield job
        release_connection()
        time.sleep(pause)
        pause = min(pause * SLOWER, LONGEST)

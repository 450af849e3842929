"""A worker inside a command, for when no site is running."""

import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import TracebackType

from django.db import Error as DatabaseError
from django.db import connection, connections

from transcription import tasks
from transcription.services.jobs import leases
from transcription.services.stages.run import engine_process
from whisperx_site.processes.preparation import is_running

logger = logging.getLogger("site")

CLAIM_POLL_SECONDS = 0.5  # seconds between checks whether the job needs us


class StandInWorker:
    """A worker in a thread of this process, until the block ends; its engine stays loaded.

    It does nothing while a site runs on this data directory, whose own workers do the job. If that
    site ends, however it does, the job continues here.

    Attributes:
        wanted: The only job that it runs.
    """

    def __init__(self) -> None:
        self.wanted: uuid.UUID | None = None
        self.enough = Event()
        self.threads = ThreadPoolExecutor(1, "worker")

    def __enter__(self) -> "StandInWorker":
        self.work = self.threads.submit(self.attend)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.enough.set()
        self.threads.shutdown()

    def check(self) -> None:
        """Raises the thread's exception, if there is one: it never ends by itself."""
        if self.work.done():
            self.work.result()

    def attend(self) -> None:
        """Runs the job whenever it waits and no site would."""
        try:
            while not self.enough.is_set():
                if self.wanted and not is_running():
                    try_to_work(self.wanted)
                self.enough.wait(CLAIM_POLL_SECONDS)
        finally:
            engine_process().close()
            connections.close_all()


def try_to_work(job_id: uuid.UUID) -> None:
    """Claims the job if it waits, and runs it like the site's workers."""
    try:
        leases.free_leases_of_dead_workers()
        job = leases.claim(job_id)
    except DatabaseError as problem:
        logger.warning("the database doesn't answer, waiting for it: %s", problem)
        connection.close()
        return
    if job is not None:
        tasks.run(job)

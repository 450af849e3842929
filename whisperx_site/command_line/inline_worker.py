"""Works on jobs where no site does."""

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

CLAIM_POLL_SECONDS = 0.5  # seconds between looks at whether the job needs us


class StandInWorker:
    """A worker in a thread of this process, until the block ends; its engine stays warm.

    It does nothing while a site runs on this data directory, whose own workers come by. Should that
    site end, however it does, the job goes on here.

    Attributes:
        wanted: The one job that it looks after.
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
        """Raise what broke it, if anything did: it never ends by itself."""
        if self.work.done():
            self.work.result()

    def attend(self) -> None:
        """Work on the job whenever it waits and no site would do it."""
        try:
            while not self.enough.is_set():
                if self.wanted and not is_running():
                    try_to_work(self.wanted)
                self.enough.wait(CLAIM_POLL_SECONDS)
        finally:
            engine_process().close()
            connections.close_all()


def try_to_work(job_id: uuid.UUID) -> None:
    """Claim the job if it waits, and run it as the site's own workers do."""
    try:
        leases.free_leases_of_dead_workers()
        job = leases.claim(job_id)
    except DatabaseError as problem:
        logger.warning("the database does not answer, waiting for it: %s", problem)
        connection.close()
        return
    if job is not None:
        tasks.run(job)

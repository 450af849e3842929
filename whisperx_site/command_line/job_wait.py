"""Waiting for a job at the command line."""

import time

from transcription.models import Job
from transcription.services.jobs import transitions
from transcription.services.jobs.poll import follow
from whisperx_site.command_line.inline_worker import StandInWorker
from whisperx_site.command_line.progress_bar import ProgressBar

CANCEL_WITHIN = 10.0  # seconds for a cancelled job to end


def wait_for(job: Job, worker: StandInWorker, bar: ProgressBar) -> Job | None:
    """The job once it has ended; None: it was deleted.

    Args:
        job: A queued job.
        worker: Runs it if no site does.
        bar: Shows its progress.

    Raises:
        KeyboardInterrupt: The user cancelled; so is the job.
        BrokenPipeError: The bar's output was closed; the job is cancelled.
    """
    worker.wanted = job.pk
    try:
        for now in follow(job.pk):
            if now is None or not now.is_active:
                return now
            bar.show_job(now)
            worker.check()
    except (KeyboardInterrupt, BrokenPipeError):
        cancel(job)
        raise
    return None


def cancel(job: Job) -> None:
    """Cancels the job, and waits until its worker has stopped."""
    transitions.cancel(job)
    deadline = time.monotonic() + CANCEL_WITHIN
    for now in follow(job.pk):
        if now is None or not now.is_active or time.monotonic() > deadline:
            return

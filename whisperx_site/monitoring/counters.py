"""What only the web processes know: counters of upload requests, in files that are added up."""

import logging
import os
import time

from prometheus_client import Counter, Histogram

from whisperx_site.monitoring import counter_files
from whisperx_site.monitoring.refusals import REASONS, reason_of

logger = logging.getLogger(__name__)

RETRY_AFTER = 60.0  # seconds until a process without files tries again
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Counters:
    """The counters of this process."""

    def __init__(self) -> None:
        counter_files.claim()
        self.bytes = Counter(
            "whisperx_upload_received_bytes",
            "Bytes of uploads that were received and acknowledged.",
            registry=None,
        )
        self.patches = Histogram(
            "whisperx_upload_patch_duration_seconds",
            "Time from a PATCH's headers to its answer, including the time that its bytes took.",
            buckets=DURATIONS,
            registry=None,
        )
        self.resumes = Counter(
            "whisperx_upload_resumes",
            "Times that a client asked where to resume an unfinished upload (HEAD).",
            registry=None,
        )
        self.interruptions = Counter(
            "whisperx_upload_interruptions",
            "Requests that brought fewer bytes than they declared.",
            registry=None,
        )
        refusals = Counter(
            "whisperx_upload_refusals",
            "Requests for uploads that were refused, by the reason.",
            ("reason",),
            registry=None,
        )
        self.refusals = {reason: refusals.labels(reason) for reason in REASONS}

    def refused(self, status: int) -> None:
        self.refusals[reason_of(status)].inc()


class _Mine:
    """The counters of a process; another process, after a fork, makes its own."""

    pid = 0
    counters: Counters | None = None
    retry_at = 0.0


def of_this_process() -> Counters | None:
    """None while they can't be stored: requests go on, and are not counted."""
    if _Mine.pid == os.getpid() and (_Mine.counters or time.monotonic() < _Mine.retry_at):
        return _Mine.counters
    try:
        _Mine.counters = Counters()
    except OSError as problem:
        logger.warning("requests are not counted at the moment: %s", problem)
        _Mine.counters, _Mine.retry_at = None, time.monotonic() + RETRY_AFTER
    _Mine.pid = os.getpid()
    return _Mine.counters

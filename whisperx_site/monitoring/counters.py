"""What only the web processes know: counts of upload requests.

They are numbers in a mapped file. The files of prometheus_client would do, too, but cost a PATCH
more than twice as much (13 microseconds instead of 6, measured): they lock and look up each value.
"""

import logging
import mmap
import os
import time
from bisect import bisect_left

from whisperx_site.monitoring import counter_files
from whisperx_site.monitoring.refusals import REASONS, reason_of

logger = logging.getLogger(__name__)

RETRY_AFTER = 60.0  # seconds until a process without a file tries again
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

# Places in the file.
BYTES, RESUMES, INTERRUPTIONS, SECONDS = range(4)
BUCKETS = 4  # as many as DURATIONS, and one for longer ones
REFUSALS = BUCKETS + len(DURATIONS) + 1
PLACE_OF_REASON = {reason: REFUSALS + number for number, reason in enumerate(REASONS)}


class Counters:
    """The counts of this process.

    No lock is needed: greenlets don't switch here, and threads don't between reading a number and
    writing it.
    """

    def __init__(self) -> None:
        with counter_files.claim().open("r+b") as file:
            mapped = mmap.mmap(file.fileno(), counter_files.FILE_BYTES)
        self.values = memoryview(mapped).cast("d")

    def add(self, place: int, number: float = 1.0) -> None:
        self.values[place] += number

    def took(self, seconds: float) -> None:
        """Counts a PATCH with its duration."""
        self.values[SECONDS] += seconds
        self.values[BUCKETS + bisect_left(DURATIONS, seconds)] += 1.0

    def refused(self, status: int) -> None:
        self.values[PLACE_OF_REASON[reason_of(status)]] += 1.0


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

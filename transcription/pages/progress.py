"""How far a job is, in words: what is done, what is left, how long it still waits."""

from transcription.models import Job, Stage, State
from transcription.services.jobs.progress import STAGE_OF, TIMED
from transcription.services.scheduling.estimates import Expectation

SOON = 30.0
"""Seconds; less than that is rounded to no minute."""
MINUTES_IN_WORDS = 90
"""More minutes than these are told in hours."""


def shown_percent(job: Job) -> int | None:
    """The progress of the work on the audio; None before that."""
    is_waiting = job.state == State.QUEUED and not job.is_paused
    is_beginning = job.state == State.PROCESSING and not job.percent
    if is_waiting or (is_beginning and job.stage not in STAGE_OF):
        return None
    return int(job.percent)


def progress_message(job: Job) -> str:
    """The progress in minutes of audio; consistent with `shown_percent`."""
    total = job.seconds_total
    if job.state != State.PROCESSING or job.stage not in TIMED or not total:
        return ""
    is_read = job.stage == Stage.DECODING
    done = min(job.seconds_done, total) if is_read else total * job.percent / 100
    return f"{clock(done)} of {clock(total)}"


def remaining_message(job: Job, expected: Expectation) -> str:
    """What is left of a running job, such as "about 3 minutes left"; empty if it isn't known."""
    if job.state != State.PROCESSING or job.cancel_requested or expected.remaining is None:
        return ""
    return f"{about(expected.remaining)} left"


def waiting_message(job: Job, expected: Expectation) -> str:
    """The place of a waiting job, such as "2nd in line, starts in about 5 minutes"."""
    if job.state != State.QUEUED or job.cancel_requested:
        return ""
    wait = None if expected.starts_in is None else about(expected.starts_in)
    if job.is_paused:
        told = "paused for other recordings"
        return f"{told}, next turn in {wait}" if wait else told
    place = in_line(expected.position) if expected.position else ""
    return ", ".join(filter(None, (place, f"starts in {wait}" if wait else "")))


def in_line(position: int) -> str:
    """Such as "next in line" for 1, and "22nd in line"."""
    if position == 1:
        return "next in line"
    is_teen = position % 100 in (11, 12, 13)
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(position % 10, "th")
    return f"{position}{ending} in line"


def about(seconds: float) -> str:
    """Seconds as people say them, such as "about 3 minutes"."""
    minutes = max(1, round(seconds / 60))
    if seconds < SOON:
        return "less than a minute"
    if minutes > MINUTES_IN_WORDS:
        return f"about {round(minutes / 60)} hours"
    return "about 1 minute" if minutes == 1 else f"about {minutes} minutes"


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

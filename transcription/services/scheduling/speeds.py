"""How fast stages are done: measured while they are, and learned for jobs to come."""

import time

from django.db import transaction
from django.utils import timezone

from transcription.engines.base import WORKING, Output
from transcription.models import LearnedSpeed

SHORTEST = 3.0
"""Seconds of work, and of audio, from which on a speed is told and learned."""
FADES = 0.7
"""What earlier work counts beside the newest."""


class Pace:
    """The audio done in the current stage, and the time that this took."""

    def __init__(self) -> None:
        self._stage = ""
        self._first = self._last = self._began = self._now = 0.0

    def note(self, stage: str, done: float) -> None:
        """Notes the seconds of audio done in a stage; a stage begins with its first note."""
        self._now = time.monotonic()
        if stage != self._stage:
            self._stage, self._first, self._began = stage, done, self._now
        self._last = done

    @property
    def covered(self) -> tuple[float, float]:
        """Seconds of audio, and seconds of work."""
        if self._stage not in WORKING.values():
            return 0.0, 0.0
        return self._last - self._first, self._now - self._began

    def left(self, total: float) -> float | None:
        """Seconds of work until that much audio is done; None while too little was done."""
        return None if self.speed is None else max(0.0, total - self._last) / self.speed

    @property
    def speed(self) -> float | None:
        """Seconds of audio per second of work; None while too little was done."""
        audio, work = self.covered
        return audio / work if work >= SHORTEST and audio > 0 else None


def learn(output: Output, audio: float, work: float) -> None:
    """Learns from a stage that has been done.

    Args:
        output: Of the stage.
        audio: Seconds of audio.
        work: Seconds of work.
    """
    if audio < SHORTEST or work <= 0:
        return
    known = LearnedSpeed.objects.select_for_update().filter(
        stage=output.stage, engine=output.engine, model=output.model[:200], device=output.device
    )
    with transaction.atomic():
        found = known.first() or LearnedSpeed(audio_seconds=0, work_seconds=0)
        LearnedSpeed.objects.update_or_create(
            stage=output.stage,
            engine=output.engine,
            model=output.model[:200],
            device=output.device,
            defaults={
                "audio_seconds": audio + FADES * found.audio_seconds,
                "work_seconds": work + FADES * found.work_seconds,
                "runs": found.runs + 1,
                "total_audio_seconds": found.total_audio_seconds + audio,
                "total_work_seconds": found.total_work_seconds + work,
                "updated": timezone.now(),
            },
        )


def learned() -> dict[tuple[str, str, str], float]:
    """The last learned speed by stage, engine and model, whatever the device."""
    rows = LearnedSpeed.objects.filter(work_seconds__gt=0).order_by("updated")
    return {(row.stage, row.engine, row.model): row.speed for row in rows}

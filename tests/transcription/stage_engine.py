"""An engine of the test's own that does each stage as it is told, and the jobs that it works on."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from transcription import tasks
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    TRANSCRIBE,
    EngineDied,
    Event,
    Output,
    Request,
    Result,
    ShouldStop,
)
from transcription.models import Job, StageOutput

from .building import make_job, script_engine

Tell = Callable[[Event], None]
WORDS = [
    {"word": "hello", "start": 0.0, "end": 0.4, "score": 0.9},
    {"word": "there", "start": 0.6, "end": 1.0, "score": 0.9},
]
SEGMENT = {"start": 0.0, "end": 1.0, "text": "hello there"}
GIVEN: dict[str, Any] = {
    TRANSCRIBE: {"segments": [{**SEGMENT, "words": WORDS}], "language": "en"},
    ALIGN: {"segments": [{**SEGMENT, "words": WORDS}], "word_segments": WORDS},
    DIARIZE: [
        {"label": "A", "speaker": "SPEAKER_00", "start": 0.0, "end": 0.5},
        {"label": "B", "speaker": "SPEAKER_01", "start": 0.5, "end": 1.0},
    ],
}
BY = {TRANSCRIBE: "faster-whisper", ALIGN: "cross-attention", DIARIZE: "voice-activity"}


class Engine:
    """Does what it is asked, and remembers it; some stages may fail or be its death.

    Args:
        dies: Stages in which the process ends.
        fails: Stages that give nothing.
        before: Called with each stage before it is done.
        by: The engines' names by stage.
    """

    def __init__(
        self,
        dies: tuple[str, ...] = (),
        fails: tuple[str, ...] = (),
        before: Callable[[str, ShouldStop], None] = lambda stage, should_stop: None,
        by: Mapping[str, str] = BY,
    ) -> None:
        self.dies, self.fails, self.before, self.by = dies, fails, before, by
        self.asked: list[list[str]] = []
        self.requests: list[Request] = []

    def __call__(self, request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        self.requests.append(request)
        self.asked.append(list(request.stages))
        result = Result(1.0, {"mime": "audio/wav"})
        for stage in request.stages:
            self.before(stage, should_stop)
            if stage in self.dies:
                raise EngineDied("It was killed (signal 9).", None, 9)
            if stage in self.fails:
                result.failures[stage] = f"No key for {stage}."
                continue
            warnings = [f"odd {stage}"] if stage == TRANSCRIBE else []
            output = Output(
                stage, self.by[stage], GIVEN[stage], note=f"{stage}!", warnings=warnings
            )
            result.outputs[stage] = output
            tell(Event("transcribing", 1.0, 1.0, output=output))
        return result


def full_job(**facts: Any) -> Job:
    """One that wants a transcript with speakers."""
    return make_job(**{"params": {"model": "tiny", "min_speakers": None}, **facts})


def worked(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Job:
    """The only job, after a worker has come by."""
    script_engine(monkeypatch, engine)
    tasks.work()
    return Job.objects.get()


def kept(job: Job) -> dict[str, bool]:
    return {row.name: row.given for row in StageOutput.objects.filter(job=job)}

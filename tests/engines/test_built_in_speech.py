"""The real built-in model on a real recording, through the real child process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from transcription.engines.base import EngineError, Event, Request
from transcription.engines.runtime.engine_process import EngineProcess

Draft = Callable[[Path], Request]
TEXT = "Go forward 10 meters."


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "webm", "mp4", "amr"])
def test_the_words_are_heard(
    suffix: str, engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    result = engine.run(draft(recording(suffix)))
    assert [segment["text"] for segment in result.segments] == [TEXT]
    assert (result.engine, result.language) == ("faster-whisper", "en")
    assert result.duration == pytest.approx(2.79, abs=0.1)
    assert result.media["mime"]


def test_times_scores_and_events(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path], tmp_path: Path
) -> None:
    events: list[Event] = []
    result = engine.run(draft(recording("wav")), events.append)
    (segment,) = result.segments
    words = segment["words"]
    assert [word["word"] for word in words] == TEXT.split()
    assert all(0.5 < word["score"] <= 1 and word["start"] < word["end"] for word in words)
    measured = (0.64, 1.17, 1.53, 2.12)  # the words' ends, by another engine
    assert [word["end"] for word in words] == pytest.approx(measured, abs=0.25)
    stages = [event.stage for event in events]
    assert list(dict.fromkeys(stages)) == ["probing", "loading", "transcribing"]
    about = next(event.media for event in events if event.media)
    assert about["container"] == "wav" and about["has_video"] is False
    assert events[-1].total == pytest.approx(2.79, abs=0.01)
    assert list((tmp_path / "work").iterdir()) == []  # the decoded audio is gone


def test_silence_gives_an_empty_transcript(
    engine: EngineProcess, draft: Draft, silent: Path
) -> None:
    result = engine.run(draft(silent))
    assert (result.segments, result.language, result.duration) == ([], None, 8.0)


def test_another_language_is_refused(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    with pytest.raises(EngineError, match="knows English only") as caught:
        engine.run(replace(draft(recording("wav")), language="de"))
    assert caught.value.code == "language_unsupported"

"""The built-in engine, through the real child process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.speech import recordings
from transcription.engines.base import EngineError, Event, Request
from transcription.engines.pocketsphinx import engine as pocketsphinx
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled
from transcription.media.pcm import Audio

Draft = Callable[[Path], Request]


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "webm", "mp4", "amr"])
def test_the_words_are_heard(
    suffix: str, engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    result = engine.run(draft(recording(suffix)))
    text = " ".join(segment["text"] for segment in result.segments).split()
    assert "forward" in text
    assert "ten" in text or suffix == "amr"  # a telephone's sound is too dull for that
    assert (result.engine, result.language) == ("pocketsphinx", "en")
    assert result.duration == pytest.approx(2.79, abs=0.1)
    assert result.media["mime"]


def test_times_scores_and_events(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path], tmp_path: Path
) -> None:
    events: list[Event] = []
    result = engine.run(draft(recording("wav")), events.append)
    (segment,) = result.segments
    assert segment["text"] == "go forward ten meters"
    assert [word["word"] for word in segment["words"]] == list(recordings.WORDS)
    assert segment["start"] == segment["words"][0]["start"] == pytest.approx(0.46, abs=0.1)
    assert segment["end"] == segment["words"][-1]["end"] == pytest.approx(2.12, abs=0.1)
    for word in segment["words"]:
        assert 0 <= word["score"] <= 1 and word["start"] < word["end"]
    stages = [event.stage for event in events]
    assert list(dict.fromkeys(stages)) == ["probing", "decoding", "loading", "transcribing"]
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
    with pytest.raises(EngineError) as caught:
        engine.run(replace(draft(recording("wav")), language="de"))
    assert caught.value.code == "language_unsupported"


def local(tmp_path: Path, pcm: bytes) -> Audio:
    path = tmp_path / "pcm"
    path.write_bytes(pcm)
    return Audio(path, len(pcm) / 32_000)


def stretches(audio: Audio) -> list[tuple[float, float]]:
    found = pocketsphinx._stretches(audio, lambda done: None, lambda: False)
    return [(round(start, 2), round(end, 2)) for start, end in found]


def test_speech_up_to_the_very_end_is_found(tmp_path: Path) -> None:
    pcm = recordings.silence(1) + recordings.speech()[: 2 * 16_000 * 2]  # ends within "meters"
    ((start, end),) = stretches(local(tmp_path, pcm))
    assert start == pytest.approx(1.4, abs=0.3)
    assert end == pytest.approx(3.0, abs=0.15)


def test_speech_without_a_pause_is_cut(tmp_path: Path) -> None:
    found = stretches(local(tmp_path, recordings.noise(40)))
    assert len(found) >= 3
    limit = pocketsphinx.LONGEST_UTTERANCE + 0.1
    assert all(end - start <= limit for start, end in found)
    assert all(b[0] >= a[1] - 0.001 for a, b in zip(found, found[1:], strict=False))


@pytest.mark.slow
def test_progress_is_real_and_stop_is_quick(tmp_path: Path) -> None:
    audio = local(tmp_path, recordings.long_speech(12))
    told: list[float] = []
    request = Request("", "pocketsphinx")
    engine = pocketsphinx.PocketSphinx()
    text = engine.transcribe(audio, request, told.append, lambda: False)
    assert len(text.segments) >= 3
    assert text.segments[-1]["end"] <= audio.duration
    assert told[-1] == audio.duration and len(told) > 10
    with pytest.raises(Cancelled):
        engine.transcribe(audio, request, told.append, lambda: told[-1] != audio.duration)
    again = engine.transcribe(audio, request, told.append, lambda: False)  # still usable
    assert [s["text"] for s in again.segments] == [s["text"] for s in text.segments]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("the(2)", "the"), ("<sil>", None), ("[NOISE]", None), ("++UH++", None), ("a", "a")],
)
def test_words_are_cleaned(raw: str, clean: str | None) -> None:
    class Found:
        word, start_frame, end_frame, prob = raw, 10, 19, 1.0000001

    word = pocketsphinx._word(Found, pocketsphinx._Utterance(1.0, 2.0, b""))
    if clean is None:
        assert word is None
    else:
        assert word == {"word": clean, "start": 1.1, "end": 1.2, "score": 1.0}

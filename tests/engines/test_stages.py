"""Several stages in one request, through the real child process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.speech import recordings
from transcription.engines import registry, selection
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    STAGES,
    TRANSCRIBE,
    EngineError,
    Event,
    Request,
)
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled

Draft = Callable[[Path], Request]
TEXT = "Go forward, ten metres!"  # of which the last is not how the model would write it
ALIGNED = 'The words were aligned by the Whisper model "tiny.en".'


def transcript(
    text: str = TEXT, language: str | None = "en", start: float = 0.2, end: float = 2.7
) -> dict[str, Any]:
    return {"segments": [{"start": start, "end": end, "text": text}], "language": language}


def aligned(
    engine: EngineProcess, request: Request, given: dict[str, Any], **options: Any
) -> tuple[Any, Any]:
    """The output of an alignment and its value."""
    wanted = replace(request, stages=[ALIGN], outputs={TRANSCRIBE: given}, options=options)
    result = engine.run(wanted)
    assert (list(result.outputs), result.failures) == ([ALIGN], {}), result.failures
    return result.outputs[ALIGN], result.outputs[ALIGN].value


def test_all_stages_each_told_as_soon_as_it_is_done(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    events: list[Event] = []
    request = replace(draft(recording("wav")), stages=STAGES)
    result = engine.run(request, events.append)
    told = [event.output.stage for event in events if event.output]
    assert told == list(result.outputs) == list(STAGES)
    (segment,) = result.outputs[TRANSCRIBE].value["segments"]
    assert segment["text"].replace(",", "") == "Go forward 10 meters."
    shown = list(dict.fromkeys(event.stage for event in events))
    assert shown == ["probing", "loading", "transcribing", "decoding", "aligning", "diarizing"]
    # A stage is told before the next one begins.
    stages = [event.stage for event in events]
    done = next(n for n, event in enumerate(events) if event.output)
    assert stages.index("aligning") > done
    (turn,) = result.outputs[DIARIZE].value
    assert set(turn) == {"label", "speaker", "start", "end"} and turn["speaker"] == "SPEAKER_00"
    assert turn["start"] == pytest.approx(0.46, abs=0.2)
    assert turn["end"] == pytest.approx(2.12, abs=0.3)
    assert result.outputs[DIARIZE].engine == "voice-activity"
    assert "one speaker" in result.outputs[DIARIZE].note
    assert (result.outputs[TRANSCRIBE].note, result.outputs[ALIGN].note) == ("", ALIGNED)


def test_english_words_are_found_in_the_sound(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    output, value = aligned(engine, draft(recording("wav")), transcript())
    (segment,) = value["segments"]
    words = segment["words"]
    assert segment["text"] == TEXT and value["word_segments"] == words
    assert [word["word"] for word in words] == TEXT.split()
    measured = [(0.46, 0.64), (0.64, 1.17), (1.17, 1.53), (1.53, 2.12)]  # by another engine
    for word, (start, end) in zip(words, measured, strict=True):
        assert word["start"] == pytest.approx(start, abs=0.25)
        assert word["end"] == pytest.approx(end, abs=0.25)
        assert 0 < word["score"] <= 1
    assert words[0]["score"] > 0.5 and words[1]["score"] > 0.9
    assert (output.engine, output.note) == ("cross-attention", ALIGNED)
    assert list(output.warnings) == []


def test_words_that_are_not_said_are_spread_with_score_zero(
    engine: EngineProcess, draft: Draft, silent: Path
) -> None:
    output, value = aligned(engine, draft(silent), transcript("one three", start=1, end=5))
    assert value["word_segments"] == [
        {"word": "one", "start": 1.0, "end": 2.5, "score": 0.0},
        {"word": "three", "start": 2.5, "end": 5.0, "score": 0.0},
    ]
    assert "1 of 1 segments" in output.warnings[0]


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("ej uz priekšu", "lv", ["ej", "uz", "priekšu"]),
        ("你好 世界", "zh", ["你", "好", "世", "界"]),
        ("go forward", None, ["go", "forward"]),
        ("  ", "de", []),
    ],
)
def test_other_languages_are_spread_and_say_so(
    engine: EngineProcess,
    draft: Draft,
    silent: Path,
    text: str,
    language: str | None,
    words: list[str],
) -> None:
    output, value = aligned(engine, draft(silent), transcript(text, language))
    assert [word["word"] for word in value["word_segments"]] == words
    assert all(word["score"] == 0.0 for word in value["word_segments"])
    assert output.engine == "even-spread" and "evenly" in output.note


def test_segments_of_any_kind_are_borne(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    segments = [
        {"start": 100.0, "end": 200.0, "text": "beyond the end"},
        {"start": 2.0, "end": 1.0, "text": "backwards"},
        {"start": -5.0, "end": 2.7, "text": "go forward"},
        {"start": 0.0, "end": 0.1, "text": "far too many words " * 100},
        {"start": 0.0, "end": 0.0, "text": ""},
        {"start": 0.0, "end": 2.7, "text": "Привет \N{GRINNING FACE} [NOISE] <sil> <s>", "x": 1},
    ]
    given = {"segments": segments, "language": "en"}
    for method in ("nearest", "ignore"):
        _, value = aligned(engine, draft(recording("wav")), given, interpolate_method=method)
        assert [one["text"] for one in value["segments"]] == [one["text"] for one in segments]
        for segment, before in zip(value["segments"], segments, strict=True):
            words = segment["words"]
            assert [word["word"] for word in words] == str(before["text"]).split()
            assert all(word.get("end", 0) >= word.get("start", 0) for word in words)


def test_words_without_sound_are_placed_or_left_without_times(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    given = transcript("go & forward ten meters \N{GRINNING FACE}")
    for method, timed in (("nearest", True), ("linear", True), ("ignore", False)):
        _, value = aligned(engine, draft(recording("wav")), given, interpolate_method=method)
        silent_words = [value["word_segments"][number] for number in (1, 5)]
        assert all(("start" in word) == timed == ("score" in word) for word in silent_words)


def test_characters_where_they_are_asked_for(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    request = draft(recording("wav"))
    for language in ("en", "lv"):
        given = transcript("go forward", language)
        _, value = aligned(engine, request, given, return_char_alignments=True)
        (segment,) = value["segments"]
        assert "".join(one["char"] for one in segment["chars"]) == "go forward"
        assert [one.keys() for one in segment["chars"]][1:3] == [
            {"char", "start", "end", "score"},
            {"char"},
        ]
        assert segment["chars"][0]["start"] == segment["words"][0]["start"]
        assert segment["chars"][-1]["end"] == segment["words"][-1]["end"]
        _, value = aligned(engine, request, given)
        assert "chars" not in value["segments"][0]


def test_a_stage_that_fails_costs_nothing_but_itself(
    engine: EngineProcess, draft: Draft, recording: Callable[[str], Path]
) -> None:
    broken = {"segments": [{"text": "no times"}], "language": "en"}
    request = replace(
        draft(recording("wav")), stages=[ALIGN, DIARIZE], outputs={TRANSCRIBE: broken}
    )
    events: list[Event] = []
    result = engine.run(request, events.append)
    assert list(result.outputs) == [DIARIZE] and list(result.failures) == [ALIGN]
    assert "KeyError" in result.failures[ALIGN]
    assert [event.output.stage for event in events if event.output] == [DIARIZE]


@pytest.fixture(scope="module")
def some_minutes(recordings_dir: Path) -> Path:
    return recordings.write(recordings_dir / "200.wav", recordings.long_speech(200, pause=1.5))


def test_diarization_in_chapters_and_what_it_cannot_do(
    engine: EngineProcess, draft: Draft, some_minutes: Path, silent: Path
) -> None:
    request = replace(draft(some_minutes), stages=[DIARIZE], options={"min_speakers": 2})
    told: list[Event] = []
    output = engine.run(request, told.append).outputs[DIARIZE]
    turns = output.value
    assert len(turns) == pytest.approx(200 / 4.29, abs=2)
    assert all(a["end"] <= b["start"] for a, b in zip(turns, turns[1:], strict=False))
    assert "2 speakers" in output.warnings[0]
    assert [event.done for event in told if event.stage == "diarizing"][-1] > 199
    nothing = engine.run(replace(request, media_path=str(silent), options={})).outputs[DIARIZE]
    assert (nothing.value, nothing.note) == ([], "")


@pytest.mark.parametrize("stage", [ALIGN, DIARIZE])
def test_cancel_in_the_later_stages(
    stage: str, engine: EngineProcess, draft: Draft, some_minutes: Path
) -> None:
    segments = [
        {"start": 4.29 * n, "end": 4.29 * n + 2.7, "text": "go forward ten meters"}
        for n in range(40)
    ]
    given = {TRANSCRIBE: {"segments": segments, "language": "en"}}
    request = replace(draft(some_minutes), stages=[stage], outputs=given)
    shown = {ALIGN: "aligning", DIARIZE: "diarizing"}[stage]
    news: list[str] = []
    with pytest.raises(Cancelled):
        engine.run(request, lambda event: news.append(event.stage), lambda: shown in news)


def test_the_processor_does_what_was_asked_of_a_card_and_says_so(
    engine: EngineProcess, draft: Draft, silent: Path
) -> None:
    request = replace(draft(silent), device="cuda", stages=[TRANSCRIBE, DIARIZE])
    result = engine.run(request)
    assert "so the CPU was used" in result.outputs[TRANSCRIBE].note
    assert result.outputs[DIARIZE].note == "" and result.warnings == []


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There are no fallbacks."""
    monkeypatch.setattr(registry, "FALLBACKS", {ALIGN: (), DIARIZE: ()})
    yield


def test_who_does_a_stage(installed: Path, tmp_path: Path) -> None:
    def name(stage: str, engine: str, language: str | None = "en") -> str:
        request = Request("", engine, language=language, models_dir=str(tmp_path))
        return selection.engine_for(stage, request).name

    assert name(TRANSCRIBE, "faster-whisper") == "faster-whisper"
    assert name(ALIGN, "faster-whisper") == "cross-attention"
    assert name(ALIGN, "faster-whisper", "lv") == "even-spread"
    assert name(ALIGN, "faster-whisper", None) == "even-spread"
    assert name(DIARIZE, "faster-whisper") == "voice-activity"


def test_where_nobody_can_do_a_stage(nobody: None) -> None:
    with pytest.raises(EngineError) as caught:
        selection.engine_for(DIARIZE, Request("", "faster-whisper"))
    assert caught.value.message == "No engine here can tell speakers apart."


def test_a_model_is_not_fetched_for_stages_that_need_none(tmp_path: Path) -> None:
    request = Request("", "faster-whisper", model="tiny", stages=[DIARIZE])
    assert selection.prepare(request, tmp_path / "models").request == request
    assert not (tmp_path / "models").exists()

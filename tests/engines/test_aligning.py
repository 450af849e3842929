"""The alignment by Whisper's cross-attention: which model does it, and what it finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines.conftest import SCRIPT
from tests.speech import recordings
from transcription.engines import registry, selection
from transcription.engines.base import ALIGN, TRANSCRIBE, EngineError, Request
from transcription.engines.faster_whisper.aligning import CrossAttentionAligner, with_model
from transcription.engines.model_files import built_in
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.pcm import Audio

Draft = Callable[[Path], Request]
ONCE = len(recordings.speech()) / (recordings.RATE * 2)
SAID = ("Go", "forward", "10", "meters.")
ENDS = (0.64, 1.17, 1.53, 2.12)  # measured by another engine
BY = registry.CROSS_ATTENTION


def aligned(
    engine: EngineProcess, request: Request, *segments: tuple[float, float, str], **options: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """The output of an alignment, and its segments."""
    said = [{"start": start, "end": end, "text": text} for start, end, text in segments]
    given = {"segments": said, "language": request.language}
    request = replace(request, stages=[ALIGN], outputs={TRANSCRIBE: given}, options=options)
    result = engine.run(request)
    assert result.failures == {}
    return result.outputs[ALIGN], result.outputs[ALIGN].value["segments"]


def times_of(segment: dict[str, Any]) -> list[tuple[float, float]]:
    return [(word["start"], word["end"]) for word in segment["words"]]


@pytest.fixture
def english(draft: Draft) -> Draft:
    """A request in English for a site whose own model is not there."""
    return lambda path: replace(draft(path), model="small", model_path="", language="en")


@pytest.fixture(scope="session")
def paused(recordings_dir: Path) -> Path:
    """The sentence twice, with three seconds of silence before each."""
    quiet = recordings.silence(3)
    pcm = (quiet + recordings.speech()) * 2
    return recordings.write(recordings_dir / "paused.wav", pcm)


@pytest.fixture(scope="session")
def minute(recordings_dir: Path) -> Path:
    return recordings.write(recordings_dir / "minute.wav", recordings.long_speech(60))


def test_silence_before_a_word_is_not_the_word_s(
    engine: EngineProcess, english: Draft, paused: Path
) -> None:
    both = "Go forward 10 meters. Go forward 10 meters."
    _, (segment,) = aligned(engine, english(paused), (0.0, 6 + 2 * ONCE, both))
    assert [word["word"] for word in segment["words"]] == [*SAID, *SAID]
    second = 3 + ONCE
    ends = [3 + end for end in ENDS] + [3 + second + end for end in ENDS]
    assert [end for _, end in times_of(segment)] == pytest.approx(ends, abs=0.25)
    starts = [start for start, _ in times_of(segment)]
    assert starts[0] == pytest.approx(3.46, abs=0.15)
    assert starts[4] == pytest.approx(3 + second + 0.46, abs=0.15)


def test_what_was_not_said_is_spread_and_what_was_said_is_found(
    engine: EngineProcess, english: Draft, recording: Callable[[str], Path]
) -> None:
    wrong = "The cat sat on the mat and looked"
    output, (right, other) = aligned(
        engine, english(recording("wav")), (0.2, 2.7, "Go forward ten meters."), (0.2, 2.7, wrong)
    )
    assert [end for _, end in times_of(right)] == pytest.approx(ENDS, abs=0.25)
    assert all(word["score"] == 0 for word in other["words"])
    assert times_of(other)[0][0] == 0.2 and times_of(other)[-1][1] == 2.7
    assert output.warnings == [
        "1 of 2 segments could not be found in the audio; "
        "their words share their segment's time evenly, with score 0."
    ]


def test_a_wrong_word_scores_nothing_and_leaves_the_others_in_place(
    engine: EngineProcess, english: Draft, recording: Callable[[str], Path]
) -> None:
    text = "Go forward ten elephants."
    output, (segment,) = aligned(engine, english(recording("wav")), (0.2, 2.7, text))
    assert [end for _, end in times_of(segment)][:3] == pytest.approx(ENDS[:3], abs=0.25)
    scores = [word["score"] for word in segment["words"]]
    assert scores[1] > 0.9 and scores[3] < 0.05
    assert output.warnings == []


def test_a_segment_of_more_than_30_seconds_is_found(
    engine: EngineProcess, english: Draft, tmp_path: Path
) -> None:
    """Window by window, and past one of silence alone."""
    starts, pcm = [], b""
    for pause in (1, 12, 45, 16):
        pcm += recordings.silence(pause)
        starts.append(len(pcm) / (recordings.RATE * 2))
        pcm += recordings.speech()
    path = recordings.write(tmp_path / "long.wav", pcm)
    output, (segment,) = aligned(engine, english(path), (0.0, 200.0, " ".join(SAID * 4)))
    assert output.warnings == []
    assert [word["word"] for word in segment["words"]] == [*SAID] * 4
    ends = [start + end for start in starts for end in ENDS]
    assert [end for _, end in times_of(segment)] == pytest.approx(ends, abs=0.4)


def test_a_long_segment_with_another_text_is_spread(
    engine: EngineProcess, english: Draft, minute: Path
) -> None:
    text = "It was the best of times, it was the worst of times, in short, the period was so far."
    output, (segment,) = aligned(engine, english(minute), (0.0, 45.0, text))
    assert all(word["score"] == 0 for word in segment["words"])
    assert "1 of 1 segments" in output.warnings[0]


def test_a_segment_of_30_seconds_is_found(
    engine: EngineProcess, english: Draft, tmp_path: Path
) -> None:
    pcm = recordings.long_speech(3 * ONCE) + recordings.silence(30)
    path = recordings.write(tmp_path / "thirty.wav", pcm)
    output, (segment,) = aligned(engine, english(path), (0.0, 30.0, " ".join(SAID * 3)))
    assert output.warnings == []
    ends = [number * (ONCE + 1) + end for number in range(3) for end in ENDS]
    assert [end for _, end in times_of(segment)] == pytest.approx(ends, abs=0.4)


@pytest.mark.parametrize(
    "text", ["far too many words " * 50, "word " * 500, "\N{GRINNING FACE} ...", "<|en|>"]
)
def test_texts_that_no_model_can_find(
    text: str, engine: EngineProcess, english: Draft, recording: Callable[[str], Path]
) -> None:
    output, (segment,) = aligned(engine, english(recording("wav")), (0.0, 2.7, text))
    assert [word["word"] for word in segment["words"]] == text.split()
    assert all(word["score"] == 0 for word in segment["words"])
    assert "1 of 1 segments" in output.warnings[0]


def test_control_tokens_in_a_text_are_words_like_others(
    engine: EngineProcess, english: Draft, recording: Callable[[str], Path]
) -> None:
    text = "<|endoftext|> go forward ten meters <|0.00|>"
    output, (segment,) = aligned(engine, english(recording("wav")), (0.0, 2.7, text))
    assert [word["word"] for word in segment["words"]] == text.split()
    assert [end for _, end in times_of(segment)][1:5] == pytest.approx(ENDS, abs=0.25)
    assert output.warnings == []


def test_letters_share_the_time_of_their_word(
    engine: EngineProcess, english: Draft, recording: Callable[[str], Path]
) -> None:
    said = (0.2, 2.7, "Go forward, 10 meters.")
    request = english(recording("wav"))
    _, (segment,) = aligned(engine, request, said, return_char_alignments=True)
    assert "".join(one["char"] for one in segment["chars"]) == said[2]
    assert segment["chars"][0]["start"] == segment["words"][0]["start"]
    assert segment["chars"][-1]["end"] == segment["words"][-1]["end"]


# Which model ------------------------------------------------------------------------------------


def test_the_requested_model_aligns_its_languages(
    engine: EngineProcess, scripted: Callable[..., Request], silent: Path
) -> None:
    """The scripted one says its words at the same moments of any sound."""
    text = " ".join(SCRIPT.words)
    for language in ("lv", "en"):
        request = scripted(silent, language=language)
        output, (segment,) = aligned(engine, request, (0.0, 8.0, text))
        assert (output.engine, output.warnings) == (BY, [])
        assert request.model in output.note
        first = segment["words"][0]["end"]
        for number, word in enumerate(segment["words"]):
            assert word["end"] - first == pytest.approx(number * 0.4, abs=0.05)


def test_a_model_that_does_not_know_the_language_says_so(
    engine: EngineProcess, english: Draft, checked_models: Path, minute: Path, tmp_path: Path
) -> None:
    """The name of its folder doesn't tell."""
    folder = built_in.folder(checked_models)
    assert folder
    (tmp_path / "our own").symlink_to(folder)
    request = replace(english(minute), model=str(tmp_path / "our own"), language="lv")
    output, (segment,) = aligned(engine, request, (0.0, 3.0, "ej uz priekšu"))
    assert [word["score"] for word in segment["words"]] == [0.0, 0.0, 0.0]
    assert "no alignment model for this language" in output.note


@pytest.mark.parametrize(
    ("model", "language", "used"),
    [
        ("small", "en", "small"),
        ("small", "lv", "small"),
        ("large", "de", "large-v3"),
        ("somebody/theirs", "de", "somebody--theirs"),
        ("small.en", "en", "small.en"),
        ("small.en", "de", ""),
        ("base", "en", "built-in"),  # the others are not on the disk
        ("base", "de", ""),
        ("nonsense", "en", "built-in"),
        ("", "en", "built-in"),
        ("small", "xx", ""),
        ("small", None, ""),
    ],
)
def test_which_model_aligns(
    model: str, language: str | None, used: str, installed: Path, tmp_path: Path
) -> None:
    models_dir = tmp_path / "models"
    for name in ("small", "small.en", "large-v3", "somebody--theirs"):
        shutil.copytree(installed, models_dir / name)
    for engine in ("faster-whisper", "whisperx"):
        request = Request("x", engine, model, language=language, models_dir=str(models_dir))
        chosen = with_model(request)
        expected = installed if used == "built-in" else models_dir / used
        assert chosen is None if not used else chosen and chosen.model_path == str(expected)
        by = registry.get(registry.CROSS_ATTENTION)
        problem = f'There is no Whisper model here that knows "{language}".'
        assert by.readiness_error(request, ALIGN) == ("" if used else problem)
        assert by.readiness_error(request, TRANSCRIBE) and by.assets(request, ALIGN) == ()


def test_the_model_that_transcribed_aligns(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(installed, folder)
    request = Request("x", "whisperx", "base", str(folder), "en", models_dir=str(tmp_path))
    chosen = with_model(request)
    assert chosen and (chosen.model, chosen.model_path) == ("base", str(folder))


@pytest.mark.usefixtures("no_built_in_model")
def test_without_any_model_words_are_spread(tmp_path: Path) -> None:
    request = Request("x", "faster-whisper", "small", language="en", models_dir=str(tmp_path))
    assert selection.engine_for(ALIGN, request).name == registry.UNIFORM
    with pytest.raises(EngineError, match='no Whisper model here that knows "en"'):
        CrossAttentionAligner().align(Audio(tmp_path, 1.0), [], request, print, bool)

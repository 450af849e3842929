"""The engine on tiny models: what it finds is known beforehand to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from tests.speech import recordings, tiny_aligner
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    STAGES,
    TRANSCRIBE,
    WORKING,
    EngineError,
    Event,
    Request,
)
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled

from .conftest import LANGUAGE, SCRIPT, run_there

pytestmark = [pytest.mark.proof, pytest.mark.long]
Requests = Callable[..., Request]
SPOKEN = ((0.46, 2.2), (4.25, 6.0), (8.03, 9.8), (11.83, 13.5))
"""Where the dialogue has speech, about."""


def same_times(value: Any, expected: Any) -> bool:
    return bool(value == pytest.approx(expected, abs=0.0015))


@pytest.mark.parametrize("method", ["pyannote", "silero"])
def test_all_stages(
    engine: EngineProcess, request_for: Requests, dialogue: Path, method: str
) -> None:
    events: list[Event] = []
    request = request_for(dialogue, stages=STAGES, options={"vad_method": method})
    result = engine.run(request, events.append)
    assert result.failures == {} and list(result.outputs) == list(STAGES)
    assert {output.engine for output in result.outputs.values()} == {"whisperx"}
    assert result.language == LANGUAGE
    assert result.language_probability == pytest.approx(0.72, abs=0.01)
    # Each stretch of speech is a chunk, in which Whisper hears its script.
    assert [segment["text"] for segment in result.segments] == [SCRIPT.text] * 4
    for segment, (start, end) in zip(result.segments, SPOKEN, strict=True):
        assert (segment["start"], segment["end"]) == pytest.approx((start, end), abs=0.15)
    # Each letter has its moment, from the beginning of its segment on.
    aligned = result.outputs[ALIGN].value
    assert len(aligned["segments"]) == 4
    for segment, before in zip(aligned["segments"], result.segments, strict=True):
        found = [(one["word"], one["start"], one["end"]) for one in segment["words"]]
        expected = tiny_aligner.times(SCRIPT.text, before["start"], before["end"])
        assert [word for word, *_ in found] == SCRIPT.words
        for one, other in zip(found, expected, strict=True):
            assert same_times(one[1:], other[1:]), (one, other)
        assert segment["start"] == found[0][1] and segment["end"] == found[-1][2]
        assert {one["score"] for one in segment["words"]} == {0.031}  # one letter of 32
    # The loud voice and the low one take turns.
    turns = result.outputs[DIARIZE].value
    names = [turn["speaker"] for turn in turns]
    assert names[0] == names[2] != names[1] == names[3]
    assert set(names) == {"SPEAKER_00", "SPEAKER_01"}
    for turn, (start, end) in zip(turns, SPOKEN, strict=True):
        assert (turn["start"], turn["end"]) == pytest.approx((start, end), abs=0.15)
    assert [output.note for output in result.outputs.values()] == ["", "", ""]
    assert result.warnings == []
    json.dumps([output.value for output in result.outputs.values()], allow_nan=False)
    assert_rising(events, result.duration)


def test_each_batch_is_told_at_once_and_a_run_goes_on_after_it(
    engine: EngineProcess, request_for: Requests, dialogue: Path
) -> None:
    events: list[Event] = []
    request = request_for(dialogue, options={"batch_size": 1, "vad_method": "silero"})
    whole = engine.run(request, events.append)
    kept = [vars(chunk) for event in events for chunk in event.chunks]
    assert [segment for chunk in kept for segment in chunk["segments"]] == whole.segments
    assert len(kept) == 4
    later: list[Event] = []
    again = engine.run(replace(request, chunks=kept[:2]), later.append)
    assert again.segments == whole.segments and again.language == whole.language
    new = [chunk.start for event in later for chunk in event.chunks]
    assert new == [chunk["start"] for chunk in kept[2:]]


def assert_rising(events: list[Event], duration: float) -> None:
    """Progress of each stage begins at nothing, rises, and ends at the end."""
    for stage in WORKING.values():
        told = [event.done for event in events if event.stage == stage]
        assert told == sorted(told) and told[0] == 0.0 and told[-1] == pytest.approx(duration)


def test_a_card_and_a_number_format_that_are_not_there(
    engine: EngineProcess, request_for: Requests, dialogue: Path
) -> None:
    asked = {"device": "cuda", "compute_type": "float16", "threads": 1, "language": LANGUAGE}
    request = request_for(dialogue, **asked, stages=[TRANSCRIBE, ALIGN])
    result = engine.run(request)
    note = result.outputs[TRANSCRIBE].note
    assert "WhisperX can use no GPU here" in note
    assert "float16 is not possible on this processor: int8 was used." in note
    assert result.outputs[ALIGN].note == "" and result.language_probability is None
    plain = engine.run(replace(request, device="cpu", compute_type="float32"))
    assert plain.outputs[TRANSCRIBE].note == ""


def test_every_option_of_the_contract(
    engine: EngineProcess, request_for: Requests, dialogue: Path, whisper: Path
) -> None:
    sound = {"best_of": 2, "patience": 1.5, "length_penalty": 0.9, "temperatures": 0.2}
    limits = {"compression_ratio_threshold": 2.0, "log_prob_threshold": -2, "vad_offset": 0.3}
    texts = {"initial_prompt": "boats", "hotwords": "storm", "suppress_tokens": [-1, 99999, 5]}
    odd = {"beam_size": 0, "batch_size": -1, "chunk_size": 500, "vad_onset": 7.0, "patience": -1}
    strict = {"vad_onset": 0.4, "suppress_numerals": True, "no_speech_threshold": 0.5}
    heard = engine.run(request_for(dialogue, options={**sound, **limits, **texts, **strict}))
    assert [one["text"] for one in heard.segments] == [SCRIPT.text] * 4
    # What makes no sense is put right: here the chunks have 30 s.
    (one,) = engine.run(request_for(dialogue, options=odd)).segments
    assert one["text"] == SCRIPT.text
    # A token that is not allowed does not come.
    vocabulary = tokenizers.Tokenizer.from_file(str(whisper / "tokenizer.json"))
    after = vocabulary.token_to_id("\u0120after")
    mute = {"suppress_tokens": [after], "vad_method": "silero", "language": None}
    for segment in engine.run(request_for(dialogue, options=mute)).segments:
        assert segment["text"].startswith("seven green boats sail north")
        assert "after" not in segment["text"]
    assert engine.run(request_for(dialogue, task="translate")).segments[0]["text"] == SCRIPT.text


@pytest.mark.parametrize("method", ["pyannote", "silero"])
def test_silence(engine: EngineProcess, request_for: Requests, silent: Path, method: str) -> None:
    result = engine.run(request_for(silent, stages=STAGES, options={"vad_method": method}))
    assert (result.segments, result.language, result.failures) == ([], None, {})
    assert result.outputs[ALIGN].value == {"segments": [], "word_segments": []}
    assert result.outputs[DIARIZE].value == [] and result.warnings == []
    assert [output.note for output in result.outputs.values()] == ["", "", ""]


def given(*segments: dict[str, Any], language: str | None = LANGUAGE) -> dict[str, Any]:
    """The transcript of somebody else."""
    return {TRANSCRIBE: {"segments": list(segments), "language": language}}


def align(
    engine: EngineProcess, request: Request, *segments: dict[str, Any], **options: Any
) -> Any:
    changed = replace(
        request, stages=[ALIGN], outputs=given(*segments), options={**request.options, **options}
    )
    result = engine.run(changed)
    assert result.failures == {}, result.failures
    return result.outputs[ALIGN]


def test_sentences_and_abbreviations(
    engine: EngineProcess, request_for: Requests, dialogue: Path
) -> None:
    text = "Hail capt. Jones. Sail on!"
    segment = {"start": 1.0, "end": 4.0, "text": text, "avg_logprob": -0.5, "speaker": "A"}
    output = align(engine, request_for(dialogue), segment)
    first, second = output.value["segments"]
    assert (first["text"], second["text"]) == ("Hail capt. Jones.", "Sail on!")
    assert output.note == "" and first["avg_logprob"] == -0.5 and second["speaker"] == "A"
    moments = tiny_aligner.times(text, 1.0, 4.0)
    assert same_times(first["end"], moments[2][2]) and same_times(second["start"], moments[3][1])
    assert output.value["word_segments"] == first["words"] + second["words"]


def test_segments_of_any_kind(engine: EngineProcess, request_for: Requests, dialogue: Path) -> None:
    segments = [
        {"start": 100.0, "end": 200.0, "text": "beyond the end"},
        {"start": 2.0, "end": 1.0, "text": "backwards"},
        {"start": -5.0, "end": 2.7, "text": "go\tforward\nnow"},
        {"start": 0.0, "end": 0.1, "text": "far too many words " * 100},
        {"start": 0.0, "end": 0.0, "text": ""},
        {"start": 3.0, "end": 3.01, "text": "a"},
        {"start": 0.0, "end": 2.7, "text": "Привет \N{GRINNING FACE} | 10% <s> ..."},
    ]
    for method in ("nearest", "linear", "ignore"):
        options = {"interpolate_method": method, "return_char_alignments": True}
        output = align(engine, request_for(dialogue), *segments, **options)
        said = [word["word"] for word in output.value["word_segments"]]
        assert said == [word for one in segments for word in str(one["text"]).split()]
        beyond, backwards, forward, crowd = output.value["segments"][:4]
        for lost in (beyond, backwards, crowd):
            assert all(set(word) == {"word"} for word in lost["words"])
        assert all(word["score"] > 0 for word in forward["words"])
        assert same_times(forward["start"], 0.0) and forward["chars"][0]["char"] == "g"
        assert "3 of 7 segments" in output.warnings[0] and "no times" in output.warnings[0]


def test_languages_that_it_cannot_align_are_left_to_others(
    engine: EngineProcess, request_for: Requests, dialogue: Path
) -> None:
    segment = {"start": 0.0, "end": 2.0, "text": "uno due"}
    request = request_for(dialogue, stages=[ALIGN], outputs=given(segment, language="sw"))
    output = engine.run(request).outputs[ALIGN]
    assert output.engine == "cross-attention" and "1 of 1 segments" in output.warnings[0]


def test_speaker_bounds(engine: EngineProcess, request_for: Requests, dialogue: Path) -> None:
    def speakers(**options: Any) -> Any:
        return engine.run(request_for(dialogue, stages=[DIARIZE], options=options))

    one = speakers(max_speakers=1).outputs[DIARIZE]
    assert {turn["speaker"] for turn in one.value} == {"SPEAKER_00"} and not one.warnings
    many = speakers(min_speakers=7).outputs[DIARIZE]
    assert many.warnings == ["At least 7 speakers were requested, but only 2 were found."]
    assert "at least 3 and at most 2" in speakers(min_speakers=3, max_speakers=2).failures[DIARIZE]


def test_models_that_are_missing_or_damaged(
    engine: EngineProcess,
    request_for: Requests,
    dialogue: Path,
    tmp_path: Path,
    whisper: Path,
    models_dir: Path,
) -> None:
    with pytest.raises(EngineError, match="no such folder"):
        engine.run(request_for(dialogue, model_path=str(tmp_path / "none")))
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in whisper.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[:1000])
    with pytest.raises(EngineError, match="cannot be loaded"):
        engine.run(request_for(dialogue, model_path=str(broken)))
    empty = models_dir / "damaged aligner"
    empty.mkdir()
    for name, text in (("config.json", "{}"), ("vocab.json", "{}"), ("model.safetensors", "")):
        (empty / name).write_text(text)
    request = request_for(dialogue, stages=[TRANSCRIBE, ALIGN], options={"align_model": str(empty)})
    result = engine.run(request)
    assert "cannot be loaded" in result.failures[ALIGN] and len(result.segments) == 4
    with pytest.raises(EngineError, match='does not know this language, not "xx"'):
        engine.run(request_for(dialogue, language="xx"))


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_in_each_stage(
    stage: str, engine: EngineProcess, request_for: Requests, tmp_path: Path
) -> None:
    long = recordings.write(tmp_path / "long.wav", recordings.long_speech(120))
    segments = [{"start": 3.79 * n, "end": 3.79 * n + 2.7, "text": SCRIPT.text} for n in range(30)]
    request = request_for(long, stages=[stage], outputs=given(*segments), options={"batch_size": 1})
    told: list[float] = []

    def hear(event: Event) -> None:
        if event.stage == WORKING[stage] and event.done > 0:
            told.append(event.done)

    with pytest.raises(Cancelled):
        engine.run(request, hear, lambda: bool(told))
    assert told and told[-1] < 120


def test_from_inside(python: Path, whisper: Path, models_dir: Path, dialogue: Path) -> None:
    """What only a process that imports whisperx can see: see inside.py."""
    told = json.loads(
        run_there(python, "tests.whisperx.inside", str(whisper), str(models_dir), str(dialogue))
        .strip()
        .splitlines()[-1]
    )
    assert told["tables differ"] == []
    for stage in STAGES:
        assert told[f"{stage}: calls until cancelled"] == 1, told
        assert told[f"{stage}: goes on"] is True
        assert told[f"{stage}: types"] == ["float"]
    assert told["models loaded"] == 1  # by as many requests as there are above
    for found, expected in zip(told["bundle"], told["bundle expected"], strict=True):
        assert found[0] == expected[0] and same_times(found[1:], expected[1:])
    assert "without a list of abbreviations" in told["bundle note"]
    assert told["telemetry"] is False

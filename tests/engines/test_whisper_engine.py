"""faster-whisper with the scripted model, through the real child process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.engines.conftest import SCRIPT
from tests.speech import recordings, tiny_whisper
from transcription.engines import chunking
from transcription.engines.base import Chunk, ChunkProgress, EngineError, Event, Progress, Request
from transcription.engines.chunks.cutting import Rules
from transcription.engines.faster_whisper import engine as faster_whisper
from transcription.engines.faster_whisper import options as whisper_options
from transcription.engines.runtime.cores import cores, threads_for
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled
from transcription.media.pcm import Audio

Scripted = Callable[..., Request]


@pytest.fixture(scope="session")
def short(recordings_dir: Path) -> Path:
    """Speech of about as many seconds as the script has."""
    once = recordings.speech()
    pcm = once + recordings.silence(0.3) + once[: round(1.2 * recordings.RATE) * 2]
    return recordings.write(recordings_dir / "short.wav", pcm)


def progress(tell: Progress = lambda done: None) -> ChunkProgress:
    """Of a run that begins at the beginning; nobody reads its chunks."""
    return ChunkProgress(tell, [], lambda chunks: None)


def test_exact_text_and_times(engine: EngineProcess, scripted: Scripted, short: Path) -> None:
    result = engine.run(scripted(short))
    assert [segment["text"] for segment in result.segments] == [
        " ".join(sentence) for sentence in SCRIPT.sentences
    ]
    assert result.language == "en"
    assert result.language_probability == pytest.approx(0.72, abs=0.03)
    words = [word for segment in result.segments for word in segment["words"]]
    assert [word["word"] for word in words] == SCRIPT.words
    first = words[0]["start"]
    for number, word in enumerate(words):
        assert word["start"] - first == pytest.approx(number * 0.4, abs=0.05)
        assert 0.8 < word["score"] <= 1
    assert all(type(word["start"]) is float for word in words)
    assert result.segments[0]["avg_logprob"] < 0
    assert result.warnings == []


def test_details_where_they_are_asked_for(
    engine: EngineProcess, scripted: Scripted, short: Path
) -> None:
    keys = {"seek", "tokens", "temperature", "no_speech_prob"}
    plain = engine.run(scripted(short)).segments[0]
    detailed = engine.run(scripted(short, options={"details": True})).segments[0]
    assert detailed.keys() - plain.keys() == keys
    assert all(type(token) is int for token in detailed["tokens"]) and detailed["tokens"]
    assert detailed["seek"] == pytest.approx(100 * plain["start"], abs=100)
    assert detailed["temperature"] == 0
    assert 0 <= detailed["no_speech_prob"] <= 1


def test_silence_gives_an_empty_transcript(
    engine: EngineProcess, scripted: Scripted, silent: Path
) -> None:
    result = engine.run(scripted(silent))
    assert result.segments == []
    assert (result.language, result.language_probability) == (None, None)


def test_given_language_and_task(engine: EngineProcess, scripted: Scripted, short: Path) -> None:
    result = engine.run(scripted(short, language="lv", task="translate"))
    assert (result.language, result.language_probability) == ("lv", None)
    assert result.segments[0]["text"] == " ".join(SCRIPT.sentences[0])


def test_a_language_that_nobody_knows(
    engine: EngineProcess, scripted: Scripted, short: Path
) -> None:
    with pytest.raises(EngineError) as caught:
        engine.run(scripted(short, language="xx"))
    assert caught.value.code == "language_unsupported"
    assert '"xx"' in caught.value.message


def test_a_card_that_is_not_there(engine: EngineProcess, scripted: Scripted, short: Path) -> None:
    result = engine.run(scripted(short, device="cuda", compute_type="float16"))
    assert result.segments and result.warnings == []
    assert "so the CPU was used" in result.outputs["transcribe"].note
    result = engine.run(scripted(short, compute_type="float16"))
    assert (result.warnings, result.outputs["transcribe"].note) == ([], "")


def test_all_options_of_the_contract(
    engine: EngineProcess, scripted: Scripted, short: Path
) -> None:
    options = {
        "beam_size": 2,
        "best_of": 2,
        "patience": 1.0,
        "length_penalty": 1.0,
        "temperatures": 0.0,
        "compression_ratio_threshold": 2.4,
        "log_prob_threshold": -1.0,
        "no_speech_threshold": 0.6,
        "initial_prompt": "Boats.",
        "hotwords": "storm",
        "suppress_tokens": [-1, 7, 999_999],
        "suppress_numerals": True,
        "vad_onset": 0.5,
        "vad_offset": 0.363,
        "batch_size": 8,
        "chunk_size": 20,
    }
    result = engine.run(scripted(short, options=options))
    assert result.segments[0]["text"] == " ".join(SCRIPT.sentences[0])


def test_numerals_are_suppressed(
    engine: EngineProcess, scripted: Scripted, short: Path, tmp_path: Path
) -> None:
    script = tiny_whisper.Script([["bus", "42", "costs", "7%", "more"]])
    model = str(tiny_whisper.make(tmp_path / "numbers", script))
    request = replace(scripted(short), model=model, model_path=model)
    assert "42" in engine.run(request).segments[0]["text"]
    request = replace(request, options={**request.options, "suppress_numerals": True})
    text = " ".join(segment["text"] for segment in engine.run(request).segments)
    assert "42" not in text and "7%" not in text


def test_a_damaged_model_is_a_clear_error(
    engine: EngineProcess, scripted: Scripted, short: Path, tiny_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in tiny_model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[:1000])
    request = replace(scripted(short), model="mine", model_path=str(broken))
    with pytest.raises(EngineError) as caught:
        engine.run(request)
    assert caught.value.code == "model_unusable" and '"mine"' in caught.value.message
    (broken / "model.bin").unlink()
    with pytest.raises(EngineError) as caught:
        engine.run(request)
    assert "model.bin" in caught.value.message


def test_progress_over_several_windows(
    engine: EngineProcess, scripted: Scripted, recordings_dir: Path
) -> None:
    path = recordings_dir / "ninety.wav"
    recordings.write(path, recordings.long_speech(90, pause=0.3))
    events: list[Event] = []
    result = engine.run(scripted(path), events.append)
    told = [event.done for event in events if event.stage == "transcribing"]
    assert told == sorted(told)
    assert len(result.segments) >= 6
    ends = [segment["end"] for segment in result.segments]
    assert ends == sorted(ends) and ends[-1] <= result.duration


def test_the_model_stays_loaded(engine: EngineProcess, scripted: Scripted, short: Path) -> None:
    engine.run(scripted(short))
    pid = engine.pid
    engine.run(scripted(short))
    assert engine.pid == pid


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> faster_whisper.FasterWhisper:
    engine = faster_whisper.FasterWhisper()
    engine.load(Request("", "faster-whisper", model="x", model_path=str(tiny_model)))
    return engine


def audio(tmp_path: Path, pcm: bytes) -> Audio:
    path = tmp_path / "pcm"
    path.write_bytes(pcm)
    return Audio(path, len(pcm) / 32_000)


@pytest.mark.slow
def test_in_one_go_each_window_has_the_text_before_it_as_context(
    tmp_path: Path,
    tiny_model: Path,
    model: faster_whisper.FasterWhisper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunking, "CHAPTER", 40.0)
    sound = audio(tmp_path, recordings.silence(45) + recordings.long_speech(75, pause=1.5))
    parts = list(chunking.chapters(sound))
    assert len(parts) >= 3
    assert sum(seconds for _, seconds in parts) == pytest.approx(sound.duration)
    samples = sound.samples()
    for start, _ in parts[1:]:
        at = round(start * 16_000)
        assert float(np.abs(samples[at - 1600 : at + 1600]).max()) < 0.02
    options = {"beam_size": 1, "temperatures": 0.0, "condition_on_previous_text": True}
    request = Request("", "faster-whisper", model="x", model_path=str(tiny_model), options=options)
    told: list[float] = []
    kept: list[Chunk] = []
    reporting = ChunkProgress(told.append, [], kept.extend)
    text = model.transcribe(sound, request, reporting, lambda: False)
    assert text.language == "en"  # of the first chapter with speech
    assert text.segments[0]["start"] > 45
    starts = [segment["start"] for segment in text.segments]
    assert starts == sorted(starts) and starts[-1] > 80
    assert told[-1] == pytest.approx(sound.duration)
    spans = np.array([(one.start, one.end - one.start) for one in kept])
    assert spans == pytest.approx(np.array(parts))
    assert kept[0].segments == [] and kept[0].language is None
    resumed = ChunkProgress(told.append, kept[:2], lambda chunks: None)
    assert model.transcribe(sound, request, resumed, lambda: False) == text
    with pytest.raises(Cancelled):
        model.transcribe(sound, request, progress(told.append), lambda: True)


def test_clients_do_not_choose_more_threads_than_there_are_cores(
    tiny_model: Path, model: faster_whisper.FasterWhisper
) -> None:
    before = psutil.Process().num_threads()
    model.load(Request("", "faster-whisper", "x", str(tiny_model), threads=10_000))
    assert psutil.Process().num_threads() - before < 100
    assert threads_for(0) <= threads_for(10_000) == cores()


def test_options_that_are_not_given_keep_the_library_s_defaults(
    model: faster_whisper.FasterWhisper,
) -> None:
    arguments = whisper_options.mapped({"beam_size": None}, model._memory.model)
    assert arguments == {"word_timestamps": True, "vad_filter": True, "suppress_tokens": [-1]}


def test_options_that_make_no_sense_do_no_harm(model: faster_whisper.FasterWhisper) -> None:
    options = {
        "beam_size": 0,
        "best_of": -3,
        "patience": 0,
        "temperatures": [float("nan")],
        "log_prob_threshold": float("nan"),
        "initial_prompt": "",
        "hotwords": "",
        "vad_onset": 7,
        "batch_size": -1,
        "chunk_size": 0,
    }
    arguments = whisper_options.mapped(options, model._memory.model)
    assert arguments["beam_size"] == arguments["best_of"] == 1
    assert arguments["temperature"] == [0.0]
    assert arguments["vad_parameters"] == {"threshold": 0.99}
    assert {"patience", "log_prob_threshold", "initial_prompt", "hotwords"}.isdisjoint(arguments)
    assert whisper_options.batch_size(options) == 1
    assert whisper_options.rules(options) == Rules(937, 0.99, 0.84)
    huge = {"beam_size": 2**70, "best_of": 10**9, "patience": 1e-4, "length_penalty": 1e300}
    arguments = whisper_options.mapped(huge, model._memory.model)
    assert arguments["beam_size"] == arguments["best_of"] == 20
    assert arguments["patience"] * 20 == pytest.approx(1)
    assert arguments["length_penalty"] == 10

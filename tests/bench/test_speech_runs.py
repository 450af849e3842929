"""Contestants in their own processes, with the built-in model and a real sentence."""

from pathlib import Path

import pytest

from bench.speech.measure import Setup, run
from bench.speech.recordings import Recording
from tests.speech import built_in, recordings
from transcription.engines.model_files.built_in import folder

pytestmark = [pytest.mark.starts, pytest.mark.slow]
OTHERS = ("alone", "sequential", "batched", "timed")
SENTENCE = "Go forward ten meters."


@pytest.fixture
def sentence(tmp_path: Path) -> Recording:
    path = recordings.write(tmp_path / "sentence.wav", recordings.speech())
    return Recording("clean", path, 2.8, SENTENCE)


@pytest.mark.parametrize(
    "name", ["ours", *(pytest.param(name, marks=pytest.mark.proof) for name in OTHERS)]
)
def test_each_contestant_hears_the_same_sentence(
    name: str, sentence: Recording, tmp_path: Path
) -> None:
    built_in.needed()
    made = run(name, sentence, sentence.path, Setup(str(folder(tmp_path)), "int8", 2))
    assert made.get("problem") is None
    assert made["error_rate"] == 0, made["text"]
    assert made["seconds"] > 0 and made["cpu"] > 0
    assert made["pss_peak"] > 100 << 20  # with the model in it
    assert made["audio_seconds"] == 2.8


def test_a_contestant_that_fails_is_reported_with_its_reason(
    sentence: Recording, tmp_path: Path
) -> None:
    made = run("sequential", sentence, sentence.path, Setup(str(tmp_path), "int8", 2))
    assert "it ended" in made["problem"] and "model.bin" in made["problem"]


def test_a_recording_that_fails_is_reported(sentence: Recording, tmp_path: Path) -> None:
    built_in.needed()
    lost = Recording("clean", tmp_path / "lost.wav", 1, SENTENCE)
    made = run("ours", lost, sentence.path, Setup(str(folder(tmp_path)), "int8", 2))
    assert "while it worked on lost.wav" in made["problem"]

"""The bench's part of WhisperX, with the real built-in model."""

from pathlib import Path

import pytest

from bench.speech.measure import Setup, interpreter, run
from bench.speech.recordings import Recording
from tests.speech import built_in, recordings
from transcription.engines.model_files.built_in import folder

pytestmark = pytest.mark.proof


def test_whisperx_takes_part_where_it_is_installed(tmp_path: Path) -> None:
    built_in.needed()
    assert interpreter("whisperx")
    path = recordings.write(tmp_path / "sentence.wav", recordings.speech())
    sentence = Recording("clean", path, 2.8, "Go forward ten meters.")
    made = run("whisperx", sentence, path, Setup(str(folder(tmp_path)), "int8", 2))
    assert made.get("problem") is None
    assert made["error_rate"] == 0, made["text"]

"""Writes tiny models as downloads would have left them: `make_models MODELS_DIR LANGUAGE`.

It needs torch, so it runs in the environment of WhisperX.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.speech import tiny_aligner, tiny_diarizer, tiny_punkt
from transcription.engines.base import Request
from transcription.engines.model_files import assets
from transcription.engines.whisperx.aligners import asset


def make(models_dir: Path, language: str) -> None:
    """An aligner for the language, sentence data and a diarization pipeline."""
    aligner = asset(Request("", "whisperx", language=language))
    assert aligner
    tiny_aligner.make(assets.directory(models_dir, aligner))
    for name in ("english", "dutch"):
        tiny_punkt.make(assets.directory(models_dir, assets.punkt()), name)
    tiny_diarizer.make(assets.directory(models_dir, assets.diarizer()))


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])

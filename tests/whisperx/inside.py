"""Looks at the engine from within its own process: `inside WHISPER MODELS_DIR RECORDING`.

Prints one line of JSON, which test_engine.py judges.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.speech import tiny_aligner
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE, ChunkProgress, Progress, Request
from transcription.engines.model_files import assets
from transcription.engines.whisperx import aligners
from transcription.engines.whisperx.engine import WhisperX
from transcription.media.decode import decode
from transcription.media.errors import Cancelled
from transcription.media.pcm import Audio

LANGUAGE = "nl"
SEGMENT = {"start": 0.5, "end": 2.5, "text": "Go forward. Ten meters"}


def main(whisper: str, models_dir: str, recording: str) -> None:
    """Look, and print what was seen."""
    with tempfile.TemporaryDirectory() as work:
        audio = decoded(recording, Path(work) / "audio.pcm")
        request = Request(
            recording,
            "whisperx",
            model_path=whisper,
            models_dir=models_dir,
            work_dir=work,
            language=LANGUAGE,
            options={"beam_size": 1, "chunk_size": 5},
        )
        seen: dict[str, Any] = {"tables differ": different()}
        seen |= cancelled(audio, request)
        seen |= bundle(audio, replace(request, models_dir=str(Path(work) / "models")))
    seen["telemetry"] = telemetry()
    print(json.dumps(seen))


def decoded(recording: str, pcm: Path) -> Audio:
    with pcm.open("wb") as file:
        return Audio(pcm, decode(recording, file.write))


def different() -> list[str]:
    """Where our table of aligners is not that of whisperx and torchaudio."""
    from torchaudio import pipelines
    from whisperx import alignment

    theirs = alignment.DEFAULT_ALIGN_MODELS_TORCH | alignment.DEFAULT_ALIGN_MODELS_HF
    pairs = theirs.items() ^ aligners.BY_LANGUAGE.items()
    models = {name: getattr(pipelines, name) for name in pipelines.__all__ if "_ASR_" in name}
    files = {name: model._path for name, model in models.items()}
    return [str(pair) for pair in pairs | (files.items() ^ aligners.BUNDLES.items())]


def cancelled(audio: Audio, request: Request) -> dict[str, Any]:
    """Each stage stopped by an exception from its first news, and then done to its end."""
    import whisperx.asr

    loaded: list[str] = []
    original = whisperx.asr.WhisperModel

    def counting(path: str, **options: Any) -> Any:
        loaded.append(path)
        return original(path, **options)

    whisperx.asr.WhisperModel = counting
    engine = WhisperX()
    seen: dict[str, Any] = {}

    def do(stage: str, tell: Progress) -> Any:
        if stage == TRANSCRIBE:
            progress = ChunkProgress(tell, [], lambda chunks: None)
            return engine.transcribe(audio, request, progress, lambda: False).segments
        if stage == ALIGN:
            return engine.align(audio, [SEGMENT] * 3, request, tell, lambda: False).segments
        return engine.diarize(audio, request, tell, lambda: False).turns

    for stage in (TRANSCRIBE, ALIGN, DIARIZE):
        calls: list[float] = []

        def stop(done: float, calls: list[float] = calls) -> None:
            calls.append(done)
            raise Cancelled

        try:
            do(stage, stop)
        except Cancelled:
            seen[f"{stage}: calls until cancelled"] = len(calls)
        told: list[float] = []
        seen[f"{stage}: goes on"] = bool(do(stage, told.append)) and told == sorted(told)
        seen[f"{stage}: types"] = sorted({type(done).__name__ for done in told})
    return {**seen, "models loaded": len(loaded)}


def bundle(audio: Audio, request: Request) -> dict[str, Any]:
    """What torchaudio's model for English finds, if it takes all letters for equally likely."""
    import torch
    from torchaudio import models, pipelines

    request = replace(request, language="en")
    asset = aligners.asset(request)
    assert asset
    folder = assets.directory(request.models_dir, asset)
    folder.mkdir(parents=True)
    english = pipelines.WAV2VEC2_ASR_BASE_960H
    weights = models.wav2vec2_model(**english._params).half().state_dict()
    for name in ("aux.weight", "aux.bias"):  # as they are published: with rows for special signs
        size = (len(english._labels) + 1 + len(english._remove_aux_axis), *weights[name].shape[1:])
        weights[name] = torch.zeros(size)
    torch.save(weights, folder / english._path)
    made = WhisperX().align(audio, [SEGMENT], request, lambda done: None, lambda: False)
    words = [word for segment in made.segments for word in segment["words"]]
    expected = tiny_aligner.times(str(SEGMENT["text"]), 0.5, 2.5)
    return {
        "bundle": [[word["word"], word["start"], word["end"]] for word in words],
        "bundle expected": [[word, *times] for word, *times in expected],
        "bundle note": made.note,
    }


def telemetry() -> bool:
    """Whether pyannote would report to its makers."""
    from pyannote.audio.telemetry.metrics import is_metrics_enabled

    return bool(is_metrics_enabled())


if __name__ == "__main__":
    main(*sys.argv[1:])

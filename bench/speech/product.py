"""The product's own contestants: a whole job's engine process, and its engine alone."""

from __future__ import annotations

import os
import tempfile
import wave
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from transcription.engines import registry
from transcription.engines.base import ChunkProgress, Request
from transcription.engines.interface import Transcriber
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.pcm import BYTES_PER_SECOND, Audio

ENGINE = "faster-whisper"
LANGUAGE = "en"


class Job:
    """The engine process, from the media file to the segments, as a job without options uses it."""

    def __init__(self, model: str, compute_type: str, threads: int) -> None:
        self._process = EngineProcess()
        self._work = tempfile.TemporaryDirectory(prefix="speech-")
        self._request = request(model, compute_type, threads, self._work.name)

    def __call__(self, path: str) -> Iterable[str]:
        result = self._process.run(replace(self._request, media_path=path))
        return [segment["text"] for segment in result.segments]


class Alone:
    """The engine in this very process, on decoded sound: no reader, no pipe, no reports.

    What a job takes longer is the cost of what is around the engine.
    """

    def __init__(self, model: str, compute_type: str, threads: int) -> None:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as in the engine process
        self._work = tempfile.TemporaryDirectory(prefix="speech-")
        self._request = request(model, compute_type, threads, self._work.name)
        self._engine: Transcriber = registry.get(ENGINE)  # type: ignore[assignment]
        self._engine.load(self._request)

    def __call__(self, path: str) -> Iterable[str]:
        progress = ChunkProgress(lambda done: None, [], lambda chunks: None)
        audio = self._decoded(path)
        found = self._engine.transcribe(audio, self._request, progress, lambda: False)
        return [segment["text"] for segment in found.segments]

    def _decoded(self, path: str) -> Audio:
        """The samples as a file of their own: a fraction of a second for an hour."""
        with wave.open(path) as file:
            samples = file.readframes(file.getnframes())
        pcm = Path(self._work.name) / "audio.pcm"
        pcm.write_bytes(samples)
        return Audio(pcm, len(samples) / BYTES_PER_SECOND)


def request(model: str, compute_type: str, threads: int, work: str) -> Request:
    """Without options: what an upload asks for that names none."""
    return Request(
        "",
        ENGINE,
        model=model,
        model_path=model,
        language=LANGUAGE,
        device="cpu",
        compute_type=compute_type,
        threads=threads,
        work_dir=work,
    )

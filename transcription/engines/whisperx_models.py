"""The models of WhisperX that are in memory: of each kind the last one used. Imports torch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from transcription.engines import assets, whisperx_aligners
from transcription.engines.base import EngineError, Request
from transcription.engines.cores import threads_for

LOADING = (RuntimeError, ValueError, OSError, KeyError, ImportError, EOFError, UnpicklingError)
"""What the libraries raise where files are damaged, memory is short, packages do not fit."""


class Models:
    """Keeps what it loads, one of each kind; a new one is loaded when the old one is gone."""

    def __init__(self) -> None:
        self.device = "cpu"
        self.torch_device = "cpu"
        self.threads = threads_for(0)
        self._kept: dict[str, tuple[Hashable, Any]] = {}

    def choose_device(self, request: Request) -> None:
        """Take the card that is wanted, if both ctranslate2 and torch can use it."""
        import ctranslate2
        import torch

        self.threads = threads_for(request.threads)
        torch.set_num_threads(self.threads)
        self.device = self.torch_device = "cpu"
        cards = min(ctranslate2.get_cuda_device_count(), torch.cuda.device_count())
        if request.device in ("auto", "cuda") and 0 <= request.device_index < cards:
            self.device, self.torch_device = "cuda", f"cuda:{request.device_index}"

    def compute_type(self, request: Request) -> str:
        """The number format that is wanted, or the best that the device really has."""
        import ctranslate2

        supported = ctranslate2.get_supported_compute_types(self.device)
        best = "float16" if self.device == "cuda" else "int8"
        wanted = best if request.compute_type in ("default", "auto", "") else request.compute_type
        if wanted not in supported:
            wanted = best if best in supported else "default"
        return wanted

    def whisper(self, request: Request) -> Any:
        """The Whisper model.

        Raises:
            EngineError: it cannot be loaded.
        """
        compute_type = self.compute_type(request)

        def load() -> Any:
            from whisperx.asr import WhisperModel

            return WhisperModel(
                request.model_path,
                device=self.device,
                device_index=request.device_index if self.device == "cuda" else 0,
                compute_type=compute_type,
                cpu_threads=self.threads,
                local_files_only=True,
            )

        key = (request.model_path, self.torch_device, compute_type, self.threads)
        return self._get("whisper", key, load, f'The model "{request.model}"')

    def voice_detector(self) -> Any:
        """pyannote's, of which the weights come with whisperx."""

        def load() -> Any:
            import torch
            from whisperx.vads import Pyannote

            # The thresholds are given to each search anew.
            return Pyannote(torch.device(self.torch_device), vad_onset=0.5, vad_offset=0.363)

        return self._get("voice", self.torch_device, load, "The voice detector")

    def aligner(self, request: Request) -> tuple[Any, dict[str, Any]]:
        """The alignment model for the request's language, and what belongs to it.

        Raises:
            EngineError: it cannot be loaded.
        """
        model, folder = whisperx_aligners.place(request)

        def load() -> Any:
            from whisperx.alignment import load_align_model

            return load_align_model(
                request.language or "en",
                self.torch_device,
                model_name=model,
                model_dir=folder or None,
                model_cache_only=True,
            )

        key = (model, folder, request.language, self.torch_device)
        name = whisperx_aligners.wanted(request)
        found: tuple[Any, dict[str, Any]] = self._get(
            "aligner", key, load, f'The alignment model "{name}"'
        )
        return found

    def diarizer(self, request: Request) -> Any:
        """The diarization pipeline.

        Raises:
            EngineError: it cannot be loaded.
        """
        folder = str(assets.directory(request.models_dir, assets.diarizer()))

        def load() -> Any:
            from whisperx.diarize import DiarizationPipeline

            return DiarizationPipeline(model_name=folder, device=self.torch_device)

        key = (folder, self.torch_device)
        return self._get("diarizer", key, load, f"The diarization model {assets.DIARIZER}")

    def _get(self, kind: str, key: Hashable, load: Callable[[], Any], label: str) -> Any:
        if kind in self._kept and self._kept[kind][0] == key:
            return self._kept[kind][1]
        self._free(kind)  # two at a time may be one too many
        try:
            try:
                made = load()
            except RuntimeError:
                if self.device == "cpu" or not self._kept:
                    raise
                self._free(*self._kept)  # a full card is the likeliest reason
                made = load()
        except LOADING as error:
            raise EngineError("model_unusable", _complaint(label, key, error)) from error
        self._kept[kind] = (key, made)
        return made

    def _free(self, *kinds: str) -> None:
        import torch

        dropped = [self._kept.pop(kind, None) for kind in kinds]
        if any(dropped):
            dropped.clear()
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _complaint(label: str, key: Hashable, error: BaseException) -> str:
    """Why a model cannot be loaded, without the place where it lies: clients read it.

    The libraries put a general error on top of what really happened.
    """
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    said = str(error) or type(error).__name__
    folders = [Path(part) for part in key if isinstance(part, str)] if type(key) is tuple else []
    places = [folder for folder in folders if folder.is_absolute()]
    for folder in places:
        said = said.replace(str(folder), folder.name)
    if places and isinstance(error, (UnpicklingError, EOFError)):
        place = f"{places[0].parent.name}/{places[0].name}"
        return f"{label} is damaged; please remove {place} in the models folder ({said})."
    return f"{label} cannot be loaded: {said}"

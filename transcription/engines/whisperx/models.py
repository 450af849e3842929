"""The WhisperX models in memory: the last used one of each kind. Imports torch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from pickle import UnpicklingError
from typing import Any

from transcription.engines.base import EngineError, Request
from transcription.engines.model_files import assets
from transcription.engines.runtime.cores import threads_for
from transcription.engines.whisperx import aligners
from transcription.engines.whisperx.errors import complaint

LOADING = (
    *(RuntimeError, ValueError, OSError, LookupError, ImportError, EOFError, UnpicklingError),
    *(TypeError, AttributeError),
)
"""What the libraries raise if files are damaged, memory is short, or packages don't fit; they
also read invalid settings unchecked.
"""


class Models:
    """Keeps one model of each kind; a new one is loaded after the old one is gone."""

    def __init__(self) -> None:
        self.device = "cpu"
        self.torch_device = "cpu"
        self.threads = threads_for(0)
        self._kept: dict[str, tuple[Hashable, Any]] = {}

    def choose_device(self, request: Request) -> None:
        """The requested GPU, if both ctranslate2 and torch can use it."""
        import ctranslate2
        import torch

        self.threads = threads_for(request.threads)
        torch.set_num_threads(self.threads)
        self.device = self.torch_device = "cpu"
        cards = min(ctranslate2.get_cuda_device_count(), torch.cuda.device_count())
        if request.device in ("auto", "cuda") and 0 <= request.device_index < cards:
            self.device, self.torch_device = "cuda", f"cuda:{request.device_index}"

    def compute_type(self, request: Request) -> str:
        """The requested number format, or the best that the device supports."""
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
            EngineError: It can't be loaded.
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
        place = (request.model_path, request.models_dir)
        return self._get("whisper", key, load, f'The model "{request.model}"', place)

    def voice_detector(self) -> Any:
        """pyannote's, whose weights come with whisperx."""

        def load() -> Any:
            import torch
            from whisperx.vads import Pyannote

            # The thresholds are passed at each search.
            return Pyannote(torch.device(self.torch_device), vad_onset=0.5, vad_offset=0.363)

        return self._get("voice", self.torch_device, load, "The voice detector", ("", ""))

    def aligner(self, request: Request) -> tuple[Any, dict[str, Any]]:
        """The alignment model for the request's language, with its metadata.

        Raises:
            EngineError: It can't be loaded.
        """
        model, folder = aligners.place(request)

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
        label = f'The alignment model "{aligners.wanted(request)}"'
        place = (folder or model, request.models_dir)
        found: tuple[Any, dict[str, Any]] = self._get("aligner", key, load, label, place)
        return found

    def diarizer(self, request: Request) -> Any:
        """The diarization pipeline.

        Raises:
            EngineError: It can't be loaded.
        """
        folder = str(assets.directory(request.models_dir, assets.diarizer()))

        def load() -> Any:
            from whisperx.diarize import DiarizationPipeline
            from yaml import YAMLError

            try:
                return DiarizationPipeline(model_name=folder, device=self.torch_device)
            except YAMLError as error:  # not one of the errors that any model may raise
                raise ValueError(str(error)) from error

        key = (folder, self.torch_device)
        label, place = f"The diarization model {assets.DIARIZER}", (folder, request.models_dir)
        return self._get("diarizer", key, load, label, place)

    def _get(
        self,
        kind: str,
        key: Hashable,
        load: Callable[[], Any],
        label: str,
        place: tuple[str, str],
    ) -> Any:
        """The kept model, or one loaded from its folder, or from the models folder."""
        if kind in self._kept and self._kept[kind][0] == key:
            return self._kept[kind][1]
        self._free(kind)  # two may not fit into memory
        try:
            try:
                made = load()
            except RuntimeError:
                if self.device == "cpu" or not self._kept:
                    raise
                self._free(*self._kept)  # most likely, the GPU's memory is full
                made = load()
        except LOADING as error:
            raise EngineError("model_unusable", complaint(label, error, *place)) from error
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

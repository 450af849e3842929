"""The model in memory: one at a time, since two may not fit."""

from __future__ import annotations

from typing import Any

from transcription.engines.base import EngineError, Request
from transcription.engines.runtime.cores import threads_for

SMALLER = ("float32", "float16", "int8_float16", "int8")
"""Number formats, each needs less memory than the one before."""
CPU_WORKERS = 2
"""Batches that a CPU decodes at once, with all threads each: where one waits for memory or for a
step that no other thread can share, the other goes on (a sixth of the time with two cores). They
share the model."""


class LoadedModel:
    """The last model that was used."""

    def __init__(self) -> None:
        self.model: Any = None
        self._request = Request("", "")
        self._hardware = ("", "")
        self._key: tuple[Any, ...] = ()

    def load(self, request: Request, device: str, compute_type: str) -> None:
        """Loads a model, if it is another than that in memory.

        Raises:
            EngineError: It can't be loaded.
        """
        threads = threads_for(request.threads)
        key = (request.model_path, device, request.device_index, compute_type, threads)
        self._request, self._hardware = request, (device, compute_type)
        if key == self._key:
            return
        self._key, self.model = (), None
        try:
            self.model = whisper_class()(
                request.model_path,
                device=device,
                device_index=request.device_index,
                compute_type=compute_type,
                cpu_threads=threads,
                num_workers=CPU_WORKERS if device == "cpu" and threads > 1 else 1,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            message = f'The model "{request.model}" cannot be loaded: {error}'
            raise EngineError("model_unusable", message) from error
        self._key = key

    def step_down(self) -> str:
        """Loads it in the next smaller number format; returns that, or "" if there is none."""
        import ctranslate2

        device, current = self._hardware
        supported = ctranslate2.get_supported_compute_types(device)
        position = SMALLER.index(current) if current in SMALLER else 0
        for smaller in SMALLER[position + 1 :]:
            if smaller in supported:
                self.load(self._request, device, smaller)
                return smaller
        return ""


def whisper_class() -> type[Any]:
    """faster-whisper's model, whose encoder takes the windows of a batch one by one on a CPU.

    For eight at once it needs a third more time; the decoder is quicker with batches.
    """
    import ctranslate2
    import faster_whisper
    import numpy

    class Whisper(faster_whisper.WhisperModel):  # type: ignore[misc]
        def encode(self, features: Any) -> Any:
            if features.ndim < 3 or len(features) == 1 or self.model.device != "cpu":
                return super().encode(features)
            first = super().encode(features[0])
            if first.dtype != ctranslate2.DataType.float32:  # numpy knows no bfloat16
                return super().encode(features)
            found = [first, *(super(Whisper, self).encode(window) for window in features[1:])]
            return ctranslate2.StorageView.from_array(
                numpy.concatenate(list(map(numpy.array, found)))
            )

    return Whisper

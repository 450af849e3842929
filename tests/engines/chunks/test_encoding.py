"""The encoder takes the windows of a batch one by one on a CPU, with the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from transcription.engines.base import Request
from transcription.engines.faster_whisper.loaded_model import LoadedModel

pytestmark = pytest.mark.slow


class Noted:
    """A model that notes how many windows it was given at once."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, to_cpu: bool = False) -> Any:
        self.sizes.append(features.shape[0])
        return self._model.encode(features, to_cpu=to_cpu)


def test_windows_are_encoded_one_by_one(tiny_model: Path) -> None:
    loaded = LoadedModel()
    loaded.load(Request("", "faster-whisper", model_path=str(tiny_model)), "cpu", "int8")
    noted = loaded.model.model = Noted(loaded.model.model)
    features = numpy.random.default_rng(3).random((3, 80, 3000), numpy.float32)
    together = numpy.array(loaded.model.encode(features))
    assert noted.sizes == [1, 1, 1]
    for window, found in zip(features, together, strict=True):
        assert numpy.array_equal(numpy.array(loaded.model.encode(window))[0], found)

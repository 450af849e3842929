"""A GPU whose memory is too small: fewer chunks at once, then smaller numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import faster_whisper
import pytest

from tests.speech import recordings
from transcription.engines.base import Chunk, ChunkProgress, EngineError, Request, Transcription
from transcription.engines.faster_whisper.engine import FasterWhisper
from transcription.media.pcm import Audio

pytestmark = pytest.mark.slow

FULL = (
    "CUDA failed with error out of memory",
    "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED",
)


class Card:
    """What the library's model does on a card that holds only so many chunks."""

    device = "cuda"  # a CPU would encode them one by one

    def __init__(self, model: Any, most: int, error: str) -> None:
        self._model, self._most, self._error = model, most, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, to_cpu: bool = False) -> Any:
        if features.shape[0] > self._most:
            raise RuntimeError(self._error)
        return self._model.encode(features, to_cpu=to_cpu)


@pytest.fixture(params=FULL)
def holds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many chunks the card holds, by number format; each loaded model is noted in "loaded"."""
    most: dict[str, int] = {}

    class OnCard(faster_whisper.WhisperModel):  # type: ignore[misc]
        def __init__(self, path: str, **values: Any) -> None:
            super().__init__(path, device="cpu", compute_type="int8")
            theirs = vars(self)["model"]
            self.model = Card(theirs, most[values["compute_type"]], request.param)

    monkeypatch.setattr(faster_whisper, "WhisperModel", OnCard)
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    formats = {"float16", "int8_float16", "int8", "float32"}
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: formats)
    return most


def transcribed(tiny_model: Path, tmp_path: Path) -> tuple[Transcription, list[int]]:
    """The transcript of five chunks, and how many were done at once."""
    path = tmp_path / "pcm"
    path.write_bytes(recordings.long_speech(28, pause=1.5))
    audio = Audio(path, path.stat().st_size / 32_000)
    options = {"beam_size": 1, "chunk_size": 5}
    request = Request("", "faster-whisper", "x", str(tiny_model), threads=1, options=options)
    sizes: list[int] = []

    def keep(chunks: Sequence[Chunk]) -> None:
        sizes.append(len(chunks))

    progress = ChunkProgress(lambda done: None, [], keep)
    return FasterWhisper().transcribe(audio, request, progress, lambda: False), sizes


def test_a_card_with_enough_memory(holds: dict[str, int], tiny_model: Path, tmp_path: Path) -> None:
    holds["float16"] = 8
    text, sizes = transcribed(tiny_model, tmp_path)
    assert (text.note, sizes[:2]) == ("", [1, 2]) and len(sizes) > 2


def test_first_fewer_chunks_are_decoded_at_once(
    holds: dict[str, int], tiny_model: Path, tmp_path: Path
) -> None:
    holds["float16"] = 8
    whole, _ = transcribed(tiny_model, tmp_path)
    holds["float16"] = 1
    text, sizes = transcribed(tiny_model, tmp_path)
    assert text.note == "The GPU's memory was full, so the batch size was reduced to 1."
    assert set(sizes) == {1}
    assert text.segments == whole.segments


@pytest.mark.parametrize("fits", ["int8_float16", "int8"])
def test_then_the_model_is_loaded_with_smaller_numbers(
    fits: str, holds: dict[str, int], tiny_model: Path, tmp_path: Path
) -> None:
    holds.update({"float16": 0, "int8_float16": 0, fits: 8})
    text, _ = transcribed(tiny_model, tmp_path)
    said = f"The GPU's memory was full, so the model was used in the number format {fits}."
    assert text.note == said and text.segments


def test_a_card_that_is_too_small(holds: dict[str, int], tiny_model: Path, tmp_path: Path) -> None:
    holds.update({"float16": 0, "int8_float16": 0, "int8": 0})
    with pytest.raises(EngineError, match="too small") as caught:
        transcribed(tiny_model, tmp_path)
    assert caught.value.code == "out_of_memory"


def test_other_errors_of_the_library_pass(
    holds: dict[str, int], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds["float16"] = 8

    def broken(self: Card, features: Any, to_cpu: bool = False) -> Any:
        raise RuntimeError("cuDNN failed")

    monkeypatch.setattr(Card, "encode", broken)
    with pytest.raises(RuntimeError, match="cuDNN failed"):
        transcribed(tiny_model, tmp_path)

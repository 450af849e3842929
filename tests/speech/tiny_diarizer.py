"""Makes a diarization pipeline that tells a loud voice from a low one, for tests.

The folder is laid out like pyannote's own pipelines: config.yaml, and a folder each for
segmentation, embedding and PLDA. Segmentation is real: its weights come with whisperx. The
embedding is no network: it says how loud the voice is, as a direction in the plane. Clustering is
pyannote's. So who speaks when can be told beforehand.

This module imports torch: it is for the environment of whisperx alone.
"""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pyannote.audio
import torch
import yaml
from pyannote.audio.core.model import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications

LOUD = 0.02
"""Root mean square of the voice above which it is the loud one."""


class Loudness(Model):  # type: ignore[misc]
    """Turns sound into one of two directions."""

    def __init__(self, sample_rate: int = 16_000, num_channels: int = 1, task: Any = None) -> None:
        super().__init__(sample_rate=sample_rate, num_channels=num_channels, task=task)
        self.axis = torch.nn.Linear(1, 1)  # lightning wants something to learn

    @property
    def dimension(self) -> int:
        return 2

    def forward(self, waveforms: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        power = waveforms[:, 0] ** 2
        if weights is None:
            weights = torch.ones_like(power)
        else:
            size = power.shape[-1]
            weights = torch.nn.functional.interpolate(weights[:, None], size=size)[:, 0]
        loudness = ((power * weights).sum(-1) / weights.sum(-1)).sqrt()  # nan where nobody speaks
        loud = (loudness > LOUD).float() + loudness * 0
        return torch.stack([loud, 1 - loud], dim=-1)


def make(folder: Path) -> Path:
    """Write the pipeline to `folder` (18 MB, a moment)."""
    for name in ("segmentation", "embedding", "plda"):
        (folder / name).mkdir(parents=True)
    spec = find_spec("whisperx")
    assert spec and spec.origin
    package = Path(spec.origin).parent
    shutil.copy(package / "assets" / "pytorch_model.bin", folder / "segmentation")
    _embedding(folder / "embedding" / "pytorch_model.bin")
    nothing, same = np.zeros(2), np.eye(2)
    plda = folder / "plda"
    np.savez(plda / "xvec_transform.npz", mean1=nothing, mean2=nothing, lda=same)
    np.savez(plda / "plda.npz", mu=nothing, tr=same, psi=np.array([2.0, 1.0]))
    (folder / "config.yaml").write_text(yaml.safe_dump(_config()))
    return folder


def _embedding(path: Path) -> None:
    model = Loudness()
    architecture = {"module": "tests.speech.tiny_diarizer", "class": "Loudness"}
    specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0
    )
    versions = {"torch": torch.__version__, "pyannote.audio": pyannote.audio.__version__}
    about = {
        "versions": versions,
        "architecture": architecture,
        "specifications": specifications,
    }
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pyannote.audio": about,
        "pytorch-lightning_version": lightning.__version__,
    }
    torch.save(checkpoint, path)


def _config() -> dict[str, Any]:
    places = {name: f"$model/{name}" for name in ("segmentation", "embedding", "plda")}
    sizes = {"segmentation_batch_size": 4, "embedding_batch_size": 4}
    return {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {"clustering": "AgglomerativeClustering", **places, **sizes},
        },
        "params": {
            "clustering": {"method": "centroid", "min_cluster_size": 1, "threshold": 0.5},
            "segmentation": {"min_duration_off": 0.0, "threshold": 0.5},
        },
    }


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))

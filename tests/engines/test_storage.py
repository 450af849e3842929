"""Large files lie at another host than the hub, as they really do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines import hub
from transcription.engines import models
from transcription.engines.model_files import assets
from transcription.engines.model_files.ensure_downloaded import ModelUnavailable, obtain

TINY = models.asset("tiny")


@pytest.mark.starts
def test_a_download_resumes_there_and_the_key_stays_at_the_hub(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_dir = tmp_path / "models"
    monkeypatch.setenv("HF_TOKEN", "good")
    with hub.serving(tiny_model) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.storage = True
        server.cut_after = 3_000_000
        with pytest.raises(ModelUnavailable):
            obtain(TINY, models_dir)
        assets.forget_failures(models_dir)
        folder = obtain(TINY, models_dir)
    assert (folder / "model.bin").read_bytes() == (tiny_model / "model.bin").read_bytes()
    asked = [(path, part) for path, part in server.requests if path.startswith(hub.STORAGE)]
    (_, begun), (storage, rest) = asked
    assert begun is None and int((rest or "").removeprefix("bytes=").rstrip("-")) > 2_000_000
    assert server.keys[storage] is None
    assert server.keys[f"/{storage.removeprefix(hub.STORAGE)}"] == server.key

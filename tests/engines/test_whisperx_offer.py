"""What the engine `whisperx` says of itself where its packages need not be there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from transcription.engines import models, selection
from transcription.engines.base import ALIGN, DIARIZE, STAGES, TRANSCRIBE, EngineError, Request
from transcription.engines.model_files import assets
from transcription.engines.whisperx import aligners, diarizing, transcribing
from transcription.engines.whisperx import engine as whisperx
from transcription.engines.whisperx.engine import WhisperX


def request(language: str | None = "en", models_dir: Path | str = "", **options: Any) -> Request:
    return Request(
        "", "whisperx", "base", language=language, models_dir=str(models_dir), options=options
    )


def needed(language: str | None, **options: Any) -> list[tuple[str, str, str]]:
    """Kind, name and source of all that the alignment needs."""
    found = WhisperX().assets(request(language, **options), ALIGN)
    return [(one.kind, one.name, one.source.url or one.source.repository) for one in found]


def test_what_each_stage_needs(tmp_path: Path) -> None:
    engine = WhisperX()
    assert engine.capabilities().stages == STAGES and not engine.capabilities().words
    (model,) = engine.assets(request(), TRANSCRIBE)
    assert (model.kind, model.name) == ("whisper", "base")
    (speakers,) = engine.assets(request(), DIARIZE)
    assert speakers.page == "https://huggingface.co/pyannote/speaker-diarization-community-1"
    punkt = ("punkt", "punkt_tab", assets.PUNKT_URL)
    english = assets.TORCHAUDIO_URL.format("wav2vec2_fairseq_base_ls960_asr_ls960.pth")
    assert needed("en") == [("aligner", "en", english), punkt]
    dutch = "jonatasgrosman/wav2vec2-large-xlsr-53-dutch"
    assert needed("nl") == needed("nl", align_model="") == [("aligner", "nl", dutch), punkt]
    assert needed("sw") == needed(None) == []


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("WAV2VEC2_ASR_BASE_960H", 378),
        ("VOXPOPULI_ASR_BASE_10K_DE", 378),
        ("WAV2VEC2_ASR_LARGE_LV60K_960H", 1262),
        ("HUBERT_ASR_XLARGE", 3850),
        ("nguyenvulebinh/wav2vec2-base-vi-vlsp2020", 378),
        ("jonatasgrosman/wav2vec2-large-xlsr-53-dutch", 1262),
        ("gigant/romanian-wav2vec2", 1262),
        ("NbAiLab/nb-wav2vec2-1b-nynorsk", 3850),
    ],
)
def test_sizes_of_aligners(model: str, size: int) -> None:
    (aligner, _) = WhisperX().assets(request("en", align_model=model), ALIGN)
    assert aligner.size == size * 1_000_000
    own = replace(request("en", align_model="owner/xlarge-base"), aligners=["*"])
    assert WhisperX().assets(own, ALIGN)[0].size is None  # nobody knows


def test_an_alignment_model_of_ones_own(tmp_path: Path) -> None:
    punkt = ("punkt", "punkt_tab", assets.PUNKT_URL)
    own = replace(request("sw", align_model="owner/name"), aligners=["owner/name"])
    assert [one.name for one in WhisperX().assets(own, ALIGN)] == ["owner/name", "punkt_tab"]
    large = assets.TORCHAUDIO_URL.format("wav2vec2_fairseq_large_ls960_asr_ls960.pth")
    bundle = ("aligner", "WAV2VEC2_ASR_LARGE_960H", large)
    assert needed("en", align_model="WAV2VEC2_ASR_LARGE_960H") == [bundle, punkt]
    assert needed("sw", align_model=str(tmp_path)) == [punkt]  # there is nothing to download of it
    with pytest.raises(EngineError, match='no alignment model named "no such name"'):
        needed("en", align_model="no such name")


def test_why_a_stage_cannot_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = WhisperX()
    monkeypatch.setattr(whisperx, "find_spec", lambda name: None)
    for stage in STAGES:
        assert "requirements-whisperx.lock" in engine.readiness_error(request(), stage)
    monkeypatch.setattr(whisperx, "find_spec", lambda name: name)
    assert '"base" is not usable' in engine.readiness_error(request(), TRANSCRIBE)
    assert "community-1 is not available" in engine.readiness_error(
        request(models_dir=tmp_path), DIARIZE
    )
    assert '"en" is not available' in engine.readiness_error(request(models_dir=tmp_path), ALIGN)
    assert 'no alignment model for "sw"' in engine.readiness_error(request("sw"), ALIGN)
    own = request("sw", tmp_path, align_model=str(tmp_path / "own"))
    assert "is not usable" in engine.readiness_error(own, ALIGN)
    aligner = tmp_path / "aligner" / "nl"
    aligner.mkdir(parents=True)
    for name in ("config.json", "vocab.json", "pytorch_model.bin"):
        (aligner / name).touch()
    assert engine.readiness_error(request("nl", tmp_path), ALIGN) == ""
    assert engine.readiness_error(request("sw", tmp_path, align_model=str(aligner)), ALIGN) == ""
    elsewhere = request("sw", tmp_path / "models", align_model=str(aligner))
    assert "must be in the models folder" in engine.readiness_error(elsewhere, ALIGN)


def test_progress_only_rises() -> None:
    told: list[float] = []
    tell = whisperx.rising(told.append)
    for done in (0.0, 1.0, 3.0, 2.0, 3.0, 4.0):
        tell(done)
    assert told == [1.0, 3.0, 4.0]


def test_without_its_packages_the_built_in_model_stands_in(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisperx, "find_spec", lambda name: None)
    prepared = selection.prepare(request(), tmp_path)
    assert (prepared.request.engine, prepared.request.asked) == ("built-in", "whisperx")
    assert "requirements-whisperx.lock" in prepared.note and "Draft only" in prepared.note
    with pytest.raises(EngineError, match="requirements-whisperx"):
        selection.prepare(request("de"), tmp_path)


def test_bounds_that_pyannote_could_not_count() -> None:
    asked = request(min_speakers=0, max_speakers=10**9)
    assert diarizing.bounds(asked) == (1, 255)
    with pytest.raises(EngineError, match="at least 3 and at most 2"):
        diarizing.bounds(request(min_speakers=3, max_speakers=2))


def test_options_that_batches_do_not_know_are_named() -> None:
    usual = {"best_of": 5, "temperatures": 0.0, "no_speech_threshold": None}
    assert transcribing._unheard(usual) == ""
    said = transcribing._unheard({"best_of": 1, "temperatures": 0.4, "beam_size": 2})
    assert "best_of, temperatures" in said and "beam_size" not in said


def test_words_of_a_translation_were_never_spoken(tmp_path: Path) -> None:
    """No aligner is asked for their times, which would be found, and wrong."""
    asked = replace(request(models_dir=tmp_path), task="translate")
    for find in (selection.select, selection.engine_for):
        assert find(ALIGN, asked).name == "even-spread"
    assert selection.select_ready(ALIGN, asked)[0].name == "even-spread"


def test_clients_do_not_choose_what_is_downloaded(tmp_path: Path) -> None:
    """A repository of their own choice fills the disk, and may be a private one of the site's."""
    engine, theirs = WhisperX(), request(models_dir=tmp_path, align_model="somebody/aligner")
    assert engine.assets(theirs, ALIGN) == ()
    refusal = aligners.problem(theirs)
    assert "ALIGN_MODELS" in refusal and "fetch_models --align-model somebody/aligner" in refusal
    for allowed in (("somebody/aligner",), ("*",)):
        (aligner, _) = engine.assets(replace(theirs, aligners=allowed), ALIGN)
        assert aligner.source.repository == "somebody/aligner"
    folder = tmp_path / "aligner" / "somebody--aligner"
    folder.mkdir(parents=True)
    for name in ("config.json", "vocab.json", "model.safetensors"):
        (folder / name).touch()
    assert aligners.problem(theirs) == ""  # it is there, whoever brought it


ODD = ["a" * 300, "~nobody-of-this-name/x", "x" * 5000 + "/y", "./\0", "~\0/x", "./\ud800"]


@pytest.mark.parametrize("name", ODD)
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    assert not models.is_below(models.folder_of(name), tmp_path)
    asked = request(models_dir=tmp_path, align_model=name)
    try:
        assert WhisperX().assets(asked, ALIGN) and aligners.problem(asked)
    except EngineError as refusal:
        assert refusal.code == "unknown_model"
    assert models.folder_problem(models.folder_of(name))


def test_a_folder_of_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    asked = request(models_dir=tmp_path, align_model=str(tmp_path / "circle"))
    assert aligners.problem(asked)

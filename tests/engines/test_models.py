"""Models by name and by folder, and the memory of those that could not be had."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from transcription.engines import models, selection
from transcription.engines.base import EngineError, Request
from transcription.engines.model_files import assets
from transcription.services.options.vocabulary import MODELS

WANTED = Request("recording", "faster-whisper", model="tiny")
TINY = models.asset("tiny")


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


def unavailable(models_dir: Path, reason: str = "No network.") -> None:
    assets.remember_failure(models_dir, TINY, reason)


def test_failures_are_remembered_for_five_minutes(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert assets.REMEMBER_FAILURE == 300
    unavailable(models_dir)
    assert assets.recent_failure(models_dir, TINY) == "No network."
    assert assets.recent_failure(models_dir, models.asset("base")) == ""
    now = time.time()
    for passed, remembered in ((299, True), (301, False), (-60, False)):
        monkeypatch.setattr(time, "time", lambda later=now + passed: later)
        assert bool(assets.recent_failure(models_dir, TINY)) is remembered
    monkeypatch.undo()
    assets.forget_failures(models_dir)
    assert assets.recent_failure(models_dir, TINY) == ""
    (models_dir / "tiny.unavailable.json").write_text("{ not JSON")
    assert assets.recent_failure(models_dir, TINY) == ""


def test_local_folders(models_dir: Path, tiny_model: Path, tmp_path: Path) -> None:
    prepared = selection.prepare(replace(WANTED, model=str(tiny_model)), models_dir)
    assert Path(prepared.request.model_path) == tiny_model
    (tmp_path / "a file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, words in (
        ("nothing", "no such folder"),
        ("a file", "not a folder"),
        ("empty", "model.bin"),
    ):
        with pytest.raises(EngineError) as caught:
            selection.prepare(replace(WANTED, model=str(tmp_path / name)), models_dir)
        assert caught.value.code == "model_path" and words in caught.value.message


@pytest.mark.parametrize("name", ["a" * 300, "~nobody-of-this-name/x", "~\0/x", "./\0"])
def test_folders_that_nobody_can_have(name: str, models_dir: Path) -> None:
    assert models.folder_problem(models.folder_of(name)) == "there is no such folder"
    with pytest.raises(EngineError, match="is not a model folder|no model named"):
        selection.prepare(replace(WANTED, model=name), models_dir)


def test_what_anybody_may_ask_for(tiny_model: Path) -> None:
    assert all(models.is_known(name) for name in ("tiny", "turbo", "large", *models.TRUSTED))
    assert not any(models.is_known(name) for name in (str(tiny_model), "some/repo", "", "."))


@pytest.mark.parametrize("model", ["tinny", "", "a/b/c", "x/../y", "a b/c", "https://host/x"])
def test_unknown_names(model: str, models_dir: Path) -> None:
    with pytest.raises(EngineError) as caught:
        selection.prepare(replace(WANTED, model=model), models_dir)
    assert caught.value.code == "unknown_model" and "large-v3" in caught.value.message


def test_an_engine_of_earlier_releases_is_unknown(models_dir: Path) -> None:
    request = Request("recording", "pocketsphinx", language="en")
    with pytest.raises(EngineError) as caught:
        selection.prepare(request, models_dir)
    assert caught.value.code == "unknown_engine"
    assert caught.value.message == (
        'There is no engine named "pocketsphinx" (there are faster-whisper, whisperx).'
    )


def test_our_table_of_models_is_the_library_s() -> None:
    from faster_whisper import utils

    for name, repository in utils._MODELS.items():
        assert models.repository(name) == repository
    names = set(models.KNOWN) | set(models.ALIASES)
    assert names == set(utils.available_models())


def test_what_the_api_offers_is_known_to_the_engines() -> None:
    assert all(models.is_known(name) for name in MODELS)
    assert set(models.KNOWN) - set(MODELS) == {"distil-large-v3.5"}  # the API's list has it not


@pytest.mark.usefixtures("no_built_in_model")
def test_available_without_any_folder(tmp_path: Path) -> None:
    infos = models.available(tmp_path / "nothing")
    assert [info.name for info in infos][:2] == ["tiny", "tiny.en"]
    assert not any(info.present or info.bytes for info in infos)
    assert "turbo" not in {info.name for info in infos}


def test_the_note_is_plain_json(models_dir: Path) -> None:
    before = time.time()
    unavailable(models_dir, "Keine Verbindung: äöü")
    note = json.loads((models_dir / "tiny.unavailable.json").read_text(encoding="utf-8"))
    assert note["reason"] == "Keine Verbindung: äöü" and before <= note["at"] <= time.time()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("whisper-large-v3", "large-v3"),
        ("whisper-large-v3-turbo", "large-v3-turbo"),
        ("Systran/faster-whisper-small.en", "small.en"),
        ("systran/Faster-Distil-Whisper-Large-V3", "distil-large-v3"),
        ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", "large-v3-turbo"),
        ("openai/whisper-large-v3", "large-v3"),
        ("openai/whisper-large", "large-v1"),
        ("distil-whisper/distil-medium.en", "distil-medium.en"),
        ("distil-whisper-large-v3-en", "distil-large-v3"),
        ("whisper-turbo", "turbo"),
        ("NyraHealth/faster_crisperwhisper", "nyrahealth/faster_CrisperWhisper"),
        ("Tiny", "tiny"),
        ("whisper-1", ""),
        ("gpt-4o-transcribe", ""),
        ("owner/whisper-small", ""),
        ("whisper-", ""),
    ],
)
def test_names_that_hubs_and_services_have(said: str, name: str) -> None:
    assert models.known_as(said) == name


def test_repositories_that_are_there(models_dir: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, models_dir / "owner--name")
    assert models.is_present("owner/name", models_dir)
    for other in ("owner/other", "../owner--name", str(tiny_model), "owner--name", ""):
        assert not models.is_present(other, models_dir), other

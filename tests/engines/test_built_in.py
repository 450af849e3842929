"""The built-in model: found in a wheel, checked once, used where no other can be had."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.engines.conftest import CONTENT
from transcription.engines import models, registry, selection
from transcription.engines.base import EngineError, Request
from transcription.engines.fallbacks.transcription import cause_of
from transcription.engines.faster_whisper import engine as faster_whisper
from transcription.engines.model_files import assets, built_in

SMALL = Request("recording", "faster-whisper", model="small")
TINY = Request("recording", "faster-whisper", model="tiny.en")


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where "small" is missing and, as was found just now, can't be downloaded."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    folder = tmp_path / "models"
    assets.remember_failure(folder, models.asset("small"), "There is no connection to a (b).")
    return folder


def replace_unnoticed(file: Path) -> None:
    """Another content of the same size, and of the same time."""
    status = file.stat()
    file.write_bytes(b"x" * status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("name", ["tiny.en", "Systran/faster-whisper-tiny.en"])
def test_it_is_there_by_its_name(name: str, installed: Path, models_dir: Path) -> None:
    prepared = selection.prepare(Request("x", "faster-whisper", model=name), models_dir)
    assert (prepared.request.engine, prepared.note) == ("faster-whisper", "")
    assert prepared.request.model_path == str(installed)
    (info,) = [one for one in models.available(models_dir) if one.present]
    assert (info.name, info.bytes) == ("tiny.en", sum(map(len, CONTENT.values())))


def test_what_was_downloaded_comes_first(installed: Path, models_dir: Path) -> None:
    own = models_dir / "tiny.en"
    shutil.copytree(installed, own)
    assert selection.prepare(TINY, models_dir).request.model_path == str(own)
    (own / "model.bin").unlink()  # damaged: the built-in one is not
    assert selection.prepare(TINY, models_dir).request.model_path == str(installed)


@pytest.mark.parametrize("language", ["en", None])
@pytest.mark.parametrize("engine", ["faster-whisper", "whisperx"])
def test_it_drafts_english_where_no_other_can_be_had(
    engine: str,
    language: str | None,
    installed: Path,
    models_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(registry.get(engine)), "installation_error", lambda self: "")
    wanted = Request("recording", engine, model="small", language=language)
    prepared = selection.prepare(wanted, models_dir)
    made = prepared.request
    assert (made.engine, made.asked, made.language) == ("built-in", engine, "en")
    assert (made.model, made.model_path) == ("tiny.en", str(installed))
    assert prepared.note == (
        'Draft only. The "small" model couldn\'t be downloaded (no connection to a: b), so the '
        "built-in model (tiny.en) was used." + ("" if language else " English was assumed.")
    )
    assert registry.get("built-in").readiness_error(made) == ""


def test_it_takes_the_place_of_an_engine_that_is_not_installed(
    installed: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = type(registry.get("whisperx"))
    monkeypatch.setattr(able, "installation_error", lambda self: "It is not installed.")
    wanted = Request("recording", "whisperx", "small", language="en")
    prepared = selection.prepare(wanted, models_dir)
    said = "Draft only. It is not installed. The built-in model (tiny.en) was used."
    assert (prepared.request.engine, prepared.note) == ("built-in", said)


@pytest.mark.parametrize(
    ("language", "task", "word"),
    [("de", "transcribe", '"de"'), ("de", "translate", '"de"'), (None, "translate", "translate")],
)
def test_what_is_not_english_fails_with_the_reason(
    language: str | None, task: str, word: str, installed: Path, models_dir: Path
) -> None:
    wanted = Request("recording", "faster-whisper", model="small", language=language, task=task)
    with pytest.raises(EngineError, match="The built-in model") as caught:
        selection.prepare(wanted, models_dir)
    assert caught.value.code == "model_unavailable" and word in caught.value.message


def refusal(models_dir: Path) -> str:
    """Why a recording gets no draft."""
    with pytest.raises(EngineError) as caught:
        selection.prepare(SMALL, models_dir)
    assert caught.value.code == "model_unavailable" and '"small"' in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("file", list(CONTENT))
def test_a_file_that_is_not_the_published_one(file: str, installed: Path, models_dir: Path) -> None:
    (installed / file).write_text("another", encoding="utf-8")
    assert built_in.problem(models_dir) == f"its {file} is not the published one"
    assert f"(tiny.en) can't be used: its {file} is not the published" in refusal(models_dir)
    assert not [one for one in models.available(models_dir) if one.present]


def test_a_file_that_is_missing(installed: Path, models_dir: Path) -> None:
    (installed / "model.bin").unlink()
    assert "can't be read" in built_in.problem(models_dir)
    assert "can't be read" in refusal(models_dir)


@pytest.mark.usefixtures("no_built_in_model")
def test_without_the_wheel_nothing_is_drafted(models_dir: Path) -> None:
    assert refusal(models_dir) == (
        'The model "small" couldn\'t be downloaded. There is no connection to a (b). The built-in '
        "model (tiny.en) can't be used: its package is not installed (requirements-model.lock)."
    )
    assert built_in.problem(models_dir) == built_in.NOT_INSTALLED


def test_without_faster_whisper_nothing_is_drafted(
    installed: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faster_whisper, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="The package faster-whisper is not installed"):
        selection.prepare(SMALL, models_dir)


def test_it_is_read_once_by_all_processes(
    installed: Path, models_dir: Path, tmp_path: Path
) -> None:
    """Whoever read it again would see that it is another."""
    assert built_in.problem(models_dir) == ""
    replace_unnoticed(installed / "model.bin")
    assert built_in.problem(models_dir) == ""
    shutil.copytree(models_dir, tmp_path / "of another process")
    assert built_in.problem(tmp_path / "of another process") == ""
    os.utime(installed / "model.bin")
    assert "model.bin is not" in built_in.problem(models_dir)
    assert "model.bin is not" in built_in.problem(tmp_path / "of another process")


def test_what_is_remembered_wrongly_is_read_again(installed: Path, models_dir: Path) -> None:
    (models_dir / built_in.REMEMBERED).write_bytes(b"\xff[")
    assert built_in.problem(models_dir) == ""
    assert b"model.bin" in (models_dir / built_in.REMEMBERED).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="a file in the place of a folder")
def test_a_models_folder_that_takes_no_writes(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("x")
    assert built_in.folder(tmp_path / "a file") == installed


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "There is no connection to a.example (timed out).",
            "no connection to a.example: timed out",
        ),
        ("The disk is full.", "the disk is full"),
        ("a.example answered with status 500.", "a.example answered with status 500"),
        (
            "The name a can't be resolved; is there a network?",
            "the name a can't be resolved; is there a network?",
        ),
    ],
)
def test_reasons_within_a_sentence(reason: str, said: str) -> None:
    assert cause_of("small", reason) == f'The "small" model couldn\'t be downloaded ({said})'


def test_reasons_of_several_sentences_stay_as_they_are() -> None:
    assert cause_of("small", "small in the models folder is damaged. Remove it.") == ""

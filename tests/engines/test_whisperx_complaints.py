"""What people hear of a model of WhisperX that cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytest

from transcription.engines.base import EngineError
from transcription.engines.whisperx.errors import complaint
from transcription.engines.whisperx.models import Models

LABEL = 'The alignment model "owner/name"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models" / "aligner" / "owner--name"


def told(folder: Path, *errors: BaseException) -> str:
    """The complaint about an error that others were the reason of."""
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__context__ = cause
    return complaint(LABEL, errors[0], str(folder), str(folder.parents[1]))


def test_the_cause_instead_of_what_is_put_on_top_of_it(folder: Path) -> None:
    hiding = ValueError(f'The chosen align_model "{folder}" could not be found in huggingface')
    cause = OSError(f"It looks like the file at '{folder}/config.json' is\nnot valid.")
    inner = IndexError("list index out of range")
    assert told(folder, hiding, cause, inner) == (
        f"{LABEL} cannot be loaded: "
        "It looks like the file at 'aligner/owner--name/config.json' is not valid."
    )
    assert told(folder, RuntimeError("Out of memory."), inner).endswith("loaded: Out of memory.")
    assert "it holds no 'aux.weight'" in told(folder, KeyError("aux.weight"))


@pytest.mark.parametrize(
    "error",
    [
        EOFError(),
        UnpicklingError("invalid load key, '<'."),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
        RuntimeError("PytorchStreamReader failed reading zip archive"),
    ],
)
def test_what_is_damaged_can_be_found(error: Exception, folder: Path) -> None:
    remedy = "Remove aligner/owner--name in the models folder"
    assert remedy in told(folder, error)
    assert remedy in told(folder, OSError("Unable to load weights"), error)
    assert remedy not in told(folder, RuntimeError("Out of memory."))
    top = folder.parents[1] / "tiny"
    assert "Remove tiny in the" in complaint("The model", error, str(top), str(top.parent))
    # One's own, from elsewhere: clients see its name.
    assert str(folder.parent) not in complaint("X", error, str(folder), "/somewhere/else")


def test_a_link_to_the_models_hides_their_place_as_well(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "models")
    seen = tmp_path / "link" / "aligner" / "owner--name"
    said = complaint(LABEL, OSError(f"no {folder}/x"), str(seen), str(tmp_path / "link"))
    assert str(tmp_path) not in said and "aligner/owner--name/x" in said


@pytest.mark.parametrize("error", [EOFError(), UnpicklingError(), TypeError("x"), IndexError()])
def test_whatever_loading_raises_is_told(
    error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Models()
    monkeypatch.setattr(kept, "_free", lambda *kinds: None)
    load: Callable[[], Any] = lambda: (_ for _ in ()).throw(error)  # noqa: E731
    with pytest.raises(EngineError, match="cannot be loaded") as caught:
        kept._get("aligner", "key", load, LABEL, (str(folder), str(folder.parents[1])))
    assert caught.value.code == "model_unusable" and str(folder) not in caught.value.message

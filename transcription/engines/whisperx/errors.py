"""Why a WhisperX model can't be loaded, in a sentence that clients may read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from transcription.engines.base import causes_of

HIDING = "could not be found in huggingface"
"""whisperx's message for any error of an alignment model; the real error is its cause."""
OF_DAMAGE = (
    *("UnpicklingError", "EOFError", "BadZipFile", "JSONDecodeError", "SafetensorError"),
    *("YAMLError", "MarkedYAMLError", "UnicodeDecodeError"),
)
"""Errors by name, since their packages may be missing."""
DAMAGES = ("PytorchStreamReader", "is incomplete", "deserializing header", "allow_pickle")
"""What the libraries say about damaged files, in errors that may mean anything."""


def complaint(label: str, error: BaseException, folder: str, models_dir: str) -> str:
    """The sentence.

    Args:
        label: The model, as the beginning of a sentence.
        error: What loading it raised.
        folder: Its place; clients only learn where it is within the models folder.
        models_dir: The models folder.
    """
    causes = list(causes_of(error))
    cause = causes[1] if HIDING in str(error) and len(causes) > 1 else error
    said = str(cause) or type(cause).__name__
    if isinstance(cause, KeyError):
        said = f"it holds no {said}"
    place = _place(folder, models_dir)
    if place:
        said = _without(said, folder, place)
        if any(_is_damage(cause) for cause in causes):
            said = f"{said.rstrip('.')}. Remove {place} in the models folder, if it is damaged"
    return f"{label} cannot be loaded: {' '.join(said.split()).rstrip('.')}."


def _is_damage(error: BaseException) -> bool:
    named = {one.__name__ for one in type(error).__mro__}
    return not named.isdisjoint(OF_DAMAGE) or any(sign in str(error) for sign in DAMAGES)


def _place(folder: str, models_dir: str) -> str:
    """The path relative to the models folder; if it is elsewhere, only its name."""
    if not folder:
        return ""
    with suppress(ValueError):
        return Path(folder).absolute().relative_to(Path(models_dir).absolute()).as_posix()
    return Path(folder).name


def _without(text: str, folder: str, place: str) -> str:
    """The text with the short path instead of the full one, in any spelling."""
    paths = {folder, str(Path(folder).absolute()), str(Path(folder).resolve())}
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(path, place)
    return text

"""Why a model of WhisperX cannot be loaded, in a sentence that clients may read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from transcription.engines.base import causes_of

HIDING = "could not be found in huggingface"
"""What whisperx says of an alignment model whatever happened; what did, is below it."""
OF_DAMAGE = (
    *("UnpicklingError", "EOFError", "BadZipFile", "JSONDecodeError", "SafetensorError"),
    *("YAMLError", "MarkedYAMLError", "UnicodeDecodeError"),
)
"""Errors by name, since their packages need not be here."""
DAMAGES = ("PytorchStreamReader", "is incomplete", "deserializing header", "allow_pickle")
"""What the libraries say of damaged files with errors that may mean anything."""


def complaint(label: str, error: BaseException, folder: str, models_dir: str) -> str:
    """The sentence.

    Args:
        label: What is meant, at the beginning of a sentence.
        error: What came of loading it.
        folder: Where it lies; clients are not to learn more than its place among the models.
        models_dir: Where all of them lie.
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
    """The folder as seen from that of the models; elsewhere only its name."""
    if not folder:
        return ""
    with suppress(ValueError):
        return Path(folder).absolute().relative_to(Path(models_dir).absolute()).as_posix()
    return Path(folder).name


def _without(text: str, folder: str, place: str) -> str:
    """The text with the place instead of the whole path, however that is written."""
    paths = {folder, str(Path(folder).absolute()), str(Path(folder).resolve())}
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(path, place)
    return text

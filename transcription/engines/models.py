"""Where Whisper models lie, which are there, and which could not be had a moment ago."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transcription.engines.base import EngineError

REMEMBER_FAILURE = 300.0
"""Seconds in which a model that could not be had is not tried again."""

# Name -> (repository on the hub, rough size of the download in MB). The names are those of
# faster-whisper, whose own table takes a second and 60 MB to import.
KNOWN = {
    "tiny": ("Systran/faster-whisper-tiny", 78),
    "tiny.en": ("Systran/faster-whisper-tiny.en", 78),
    "base": ("Systran/faster-whisper-base", 148),
    "base.en": ("Systran/faster-whisper-base.en", 148),
    "small": ("Systran/faster-whisper-small", 486),
    "small.en": ("Systran/faster-whisper-small.en", 486),
    "medium": ("Systran/faster-whisper-medium", 1530),
    "medium.en": ("Systran/faster-whisper-medium.en", 1530),
    "large-v1": ("Systran/faster-whisper-large-v1", 3090),
    "large-v2": ("Systran/faster-whisper-large-v2", 3090),
    "large-v3": ("Systran/faster-whisper-large-v3", 3090),
    "large-v3-turbo": ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1620),
    "distil-large-v2": ("Systran/faster-distil-whisper-large-v2", 1520),
    "distil-large-v3": ("Systran/faster-distil-whisper-large-v3", 1520),
    "distil-large-v3.5": ("distil-whisper/distil-large-v3.5-ct2", 1520),
    "distil-medium.en": ("Systran/faster-distil-whisper-medium.en", 790),
    "distil-small.en": ("Systran/faster-distil-whisper-small.en", 340),
}
ALIASES = {"turbo": "large-v3-turbo", "large": "large-v3"}
TRUSTED = ("nyrahealth/faster_CrisperWhisper",)
"""Repositories without a short name that clients of the API may ask for, too."""
REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$", re.ASCII)
NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without its tokenizer.json faster-whisper would go to the network for one."""


@dataclass(frozen=True)
class ModelInfo:
    """A model as people see it in a list."""

    name: str
    repository: str
    present: bool
    bytes: int | None  # on disk, where it is present
    download_bytes: int  # about


def is_path(model: str) -> bool:
    """Whether `model` is meant as a local folder rather than as a name or repository."""
    if model.startswith((".", "~")) or "\\" in model or Path(model).is_absolute():
        return True
    return bool(model) and not is_known(model) and Path(model).is_dir()


def is_known(model: str) -> bool:
    """Whether anybody may ask for it: a name, not some folder or repository of their choice."""
    return canonical(model) in KNOWN or model in TRUSTED


def canonical(model: str) -> str:
    """The one name of a model that has several."""
    return ALIASES.get(model, model)


def repository(model: str) -> str:
    """Where the hub keeps the model.

    Raises:
        EngineError: no model has that name, and it is no repository ("owner/name") either.
    """
    model = canonical(model)
    if model in KNOWN:
        return KNOWN[model][0]
    if REPOSITORY.match(model):
        return model
    names = ", ".join(sorted({*KNOWN, *ALIASES}))
    raise EngineError("unknown_model", f'There is no model named "{model}". Known are {names}.')


def directory(models_dir: str | Path, model: str) -> Path:
    """Where the model lies, or will lie, once it is complete."""
    return Path(models_dir) / canonical(model).replace("/", "--")


def partial(models_dir: str | Path, model: str) -> Path:
    """Where the model lies as long as it is not complete."""
    final = directory(models_dir, model)
    return final.with_name(f"{final.name}.partial")


def folder_problem(folder: Path) -> str:
    """ "" where the folder holds a whole model, else what is wrong with it."""
    if not folder.exists():
        return "there is no such folder"
    if not folder.is_dir():
        return "it is not a folder"
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if not any(folder.glob("vocabulary.*")):
        missing.append("vocabulary.json")
    return f"it holds no {', no '.join(missing)}" if missing else ""


def available(models_dir: str | Path) -> list[ModelInfo]:
    """All models with a name, and the others that lie in `models_dir`."""
    infos = []
    for name, (where, megabytes) in KNOWN.items():
        infos.append(_info(models_dir, name, where, megabytes * 1_000_000))
    for folder in sorted(Path(models_dir).glob("*--*")):
        name = folder.name.replace("--", "/", 1)
        if REPOSITORY.match(name) and not folder_problem(folder):
            infos.append(_info(models_dir, name, name, size_on_disk(folder)))
    return infos


def size_on_disk(folder: Path) -> int:
    """Bytes of all files below `folder`, some of which may vanish meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def recent_failure(models_dir: str | Path, model: str, within: float = REMEMBER_FAILURE) -> str:
    """Why the model could not be had a moment ago; "" when it was not tried, or long ago."""
    try:
        note = json.loads(_note(models_dir, model).read_text(encoding="utf-8"))
        age = time.time() - float(note["at"])
        return str(note["reason"]) if 0 <= age < within else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def remember_failure(models_dir: str | Path, model: str, reason: str) -> None:
    """Keep the reason, for all processes and for the next minutes."""
    note = _note(models_dir, model)
    note.parent.mkdir(parents=True, exist_ok=True)
    fresh = note.with_name(f"{note.name}.{os.getpid()}")
    text = json.dumps({"model": model, "reason": reason, "at": time.time()})
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, note)


def forget_failures(models_dir: str | Path) -> None:
    """Try everything anew: somebody says that the models can be had now."""
    for note in Path(models_dir).glob("*.unavailable.json"):
        note.unlink(missing_ok=True)


def _note(models_dir: str | Path, model: str) -> Path:
    final = directory(models_dir, model)
    return final.with_name(f"{final.name}.unavailable.json")


def _info(models_dir: str | Path, name: str, where: str, download: int) -> ModelInfo:
    folder = directory(models_dir, name)
    present = not folder_problem(folder)
    return ModelInfo(name, where, present, size_on_disk(folder) if present else None, download)

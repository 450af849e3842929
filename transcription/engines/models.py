"""Whisper models by name: who may request which, their sources, and which are downloaded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from transcription.engines.base import EngineError
from transcription.engines.model_files import assets

# Name -> (repository on the hub, approximate size of the download in MB). The names are those of
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
"""Repositories without a short name that API clients may also request."""
OTHER_NAMES = {
    "openai/whisper-large": "large-v1",
    "whisper-v3": "large-v3",
    "whisper-v3-turbo": "large-v3-turbo",
    "distil-whisper-large-v3-en": "distil-large-v3",
}
"""Names that hubs and services use and that follow no rule (see `known_as`)."""
PREFIXES = (
    *("openai/whisper-", "distil-whisper/", "systran/faster-whisper-", "faster-whisper-"),
    *("faster-", "whisper-"),
)
REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$", re.ASCII)
NEEDS = (
    *(("model.bin",), ("config.json",), ("tokenizer.json",)),
    ("vocabulary.json", "vocabulary.*"),
)
"""Without its tokenizer.json, faster-whisper would download one."""
FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")


@dataclass(frozen=True)
class ModelInfo:
    """A model in a list of models."""

    name: str
    repository: str
    present: bool
    bytes: int | None  # on disk, where it is present
    download_bytes: int  # approximate


def is_path(model: str) -> bool:
    """Whether `model` is a local folder rather than a name or repository."""
    if model.startswith((".", "~")) or "\\" in model or Path(model).is_absolute():
        return True
    return bool(model) and not is_known(model) and os.path.isdir(model)


def folder_of(model: str) -> Path:
    """The local folder; impossible names are returned unchanged."""
    try:
        return Path(os.path.expanduser(model)).absolute()
    except ValueError:  # "~" before a name that doesn't exist
        return Path(model).absolute()


def is_below(folder: Path, models_dir: str | Path) -> bool:
    """Whether a folder is within the models folder, also through links."""
    try:
        return folder.resolve().is_relative_to(Path(models_dir).resolve())
    except (OSError, RuntimeError, ValueError):  # circular links, or names that no file can have
        return False


def is_known(model: str) -> bool:
    """Whether any client may request it: a known name, not a folder or repository of its choice."""
    return canonical(model) in KNOWN or model in TRUSTED


def known_as(said: str) -> str:
    """Our name of a model, from the name that hubs and services use, in any case; "" if unknown.

    Such as `Systran/faster-whisper-small`, `openai/whisper-large-v3` and `whisper-large-v3-turbo`.
    """
    name = said.lower()
    if name in OTHER_NAMES:
        return OTHER_NAMES[name]
    repositories = {where.lower(): known for known, (where, _) in KNOWN.items()}
    if name in repositories:
        return repositories[name]
    for prefix in PREFIXES:
        rest = name.removeprefix(prefix)
        if rest != name and (rest in KNOWN or rest in ALIASES):
            return rest
    return next((known for known in (*KNOWN, *ALIASES, *TRUSTED) if known.lower() == name), "")


def is_present(model: str, models_dir: str | Path) -> bool:
    """Whether the complete repository of this name is in `models_dir`."""
    if not REPOSITORY.match(model):
        return False
    return not folder_problem(assets.directory(models_dir, asset(model)))


def canonical(model: str) -> str:
    """The main name of a model with several names."""
    return ALIASES.get(model, model)


def repository(model: str) -> str:
    """The repository of a model on the hub.

    Raises:
        EngineError: No model has that name, and it isn't a repository ("owner/name").
    """
    model = canonical(model)
    if model in KNOWN:
        return KNOWN[model][0]
    if REPOSITORY.match(model):
        return model
    names = ", ".join(sorted({*KNOWN, *ALIASES}))
    raise EngineError("unknown_model", f'There is no model named "{model}". Known are {names}.')


def asset(model: str) -> assets.Asset:
    """The model as an asset to download.

    Raises:
        EngineError: See `repository`.
    """
    where = repository(model)
    name = canonical(model)
    megabytes = KNOWN[name][1] if name in KNOWN else None
    return assets.Asset(
        assets.WHISPER,
        name,
        f'the model "{model}"',
        assets.Source(repository=where, patterns=FILES),
        NEEDS,
        size=megabytes and megabytes * 1_000_000,
    )


def folder_problem(folder: Path) -> str:
    """ "" if the folder has a complete model, else what is wrong with it."""
    return assets.folder_problem(folder, NEEDS)


def available(models_dir: str | Path) -> list[ModelInfo]:
    """All models with a name, and the others in `models_dir`."""
    infos = []
    for name, (where, megabytes) in KNOWN.items():
        infos.append(_info(models_dir, name, where, megabytes * 1_000_000))
    for folder in sorted(Path(models_dir).glob("*--*")):
        name = folder.name.replace("--", "/", 1)
        if REPOSITORY.match(name) and not folder_problem(folder):
            infos.append(_info(models_dir, name, name, assets.size_on_disk(folder)))
    return infos


def _info(models_dir: str | Path, name: str, where: str, download: int) -> ModelInfo:
    folder = assets.location(models_dir, asset(name))
    present = not folder_problem(folder)
    held = assets.size_on_disk(folder) if present else None
    return ModelInfo(name, where, present, held, download)

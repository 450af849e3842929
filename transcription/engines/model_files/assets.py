"""Files that stages need on the disk and may download: their source, place and completeness.

An engine lists its assets (`Engine.assets`); `ensure_downloaded` downloads missing ones, always in
a separate process. Nothing here opens a connection or imports anything heavy.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transcription.engines.model_files import built_in, checkpoints

WHISPER, ALIGNER, PUNKT, DIARIZATION = "whisper", "aligner", "punkt", "diarization"
REMEMBER_FAILURE = 300.0
"""Seconds after a failed download before the next try."""
NOTE_SUFFIX = ".unavailable.json"
LOOK_SUFFIX = ".looked-for.json"

PUNKT_URL = (
    "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/tokenizers/punkt_tab.zip"
)
DIARIZER = "pyannote/speaker-diarization-community-1"
HUB_PAGE = "https://huggingface.co/{}"
TORCHAUDIO_URL = "https://download.pytorch.org/torchaudio/models/{}"
ALIGNER_FILES = (
    *("config.json", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json"),
    *("vocab.json", "special_tokens_map.json", "added_tokens.json"),
)
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Source:
    """The source of a download: a plain URL, or a repository of the hub.

    Attributes:
        url: One file, stored under the last part of its URL.
        unpack: The URL is a zip, to be unpacked into this folder ("." or a name); empty: keep the
            file as it is.
        repository: "owner/name" on the hub.
        patterns: Which files of the repository; none: all but those whose names begin with a dot.
    """

    url: str = ""
    unpack: str = ""
    repository: str = ""
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asset:
    """Something that a stage needs; plain values only, so that it can be sent as JSON.

    Attributes:
        kind: WHISPER, ALIGNER, PUNKT or DIARIZATION.
        name: Unique within its kind.
        label: For users, within a sentence: 'the model "base"', "the aligner for German".
        source: Where it comes from.
        needs: Required files: one of each group of patterns. If a repository has several of a
            group, only the first is downloaded.
        page: Where to accept the conditions of a gated model.
        size: The approximate size of the download in bytes; None: unknown.
    """

    kind: str
    name: str
    label: str
    source: Source
    needs: tuple[tuple[str, ...], ...] = ()
    page: str = ""
    size: int | None = None

    def as_json(self) -> str:
        """For `from_json`."""
        return json.dumps(asdict(self))


def from_json(text: str) -> Asset:
    """The inverse of `as_json`."""
    facts: dict[str, Any] = json.loads(text)
    source = facts.pop("source")
    source["patterns"] = tuple(source["patterns"])
    facts["needs"] = tuple(tuple(group) for group in facts["needs"])
    return Asset(source=Source(**source), **facts)


# What engines may name ---------------------------------------------------------------------------


def hub_aligner(repository: str, name: str, label: str, size: int | None = None) -> Asset:
    """A wav2vec2 model of the hub: `directory()` is a folder for transformers.

    Args:
        repository: "owner/name".
        name: A language's code, or the repository if that model was requested.
        label: "the aligner for German".
        size: Approximately, in bytes.
    """
    source = Source(repository=repository, patterns=(*ALIGNER_FILES, *WEIGHTS))
    needs = (("config.json",), ("vocab.json",), WEIGHTS)
    return Asset(ALIGNER, name, label, source, needs, size=size)


def torchaudio_aligner(file: str, name: str, label: str, size: int | None = None) -> Asset:
    """A wav2vec2 model of torchaudio: `directory()` is its `model_dir`, with one .pth in it."""
    source = Source(url=TORCHAUDIO_URL.format(file))
    return Asset(ALIGNER, name, label, source, ((file,),), size=size)


def punkt() -> Asset:
    """NLTK's sentence data: `directory()` is an entry of `nltk.data.path`."""
    needs = (("tokenizers/punkt_tab/english/collocations.tab",),)
    source = Source(url=PUNKT_URL, unpack="tokenizers")
    label = "NLTK's sentence data (punkt_tab)"
    return Asset(PUNKT, "punkt_tab", label, source, needs, size=4_300_000)


def diarizer(repository: str = DIARIZER) -> Asset:
    """A pipeline of pyannote: `directory()` contains its config.yaml and all its models."""
    return Asset(
        DIARIZATION,
        repository.rpartition("/")[2],
        f"the diarization model {repository}",
        Source(repository=repository),
        (("config.yaml",),),
        HUB_PAGE.format(repository),
        35_000_000,
    )


# Their places ------------------------------------------------------------------------------------


def directory(models_dir: str | Path, asset: Asset) -> Path:
    """The folder of a downloaded asset, where it is or will be once it is complete."""
    # Whisper's models came first, so they are at the top.
    top = Path(models_dir) if asset.kind == WHISPER else Path(models_dir) / asset.kind
    return top / asset.name.replace("/", "--")


def location(models_dir: str | Path, asset: Asset) -> Path:
    """The folder to read an asset from: `directory`, or that of the built-in model."""
    own = directory(models_dir, asset)
    is_built_in = asset.kind == WHISPER and asset.source.repository == built_in.REPOSITORY
    if is_built_in and folder_problem(own, asset.needs):
        return built_in.folder(models_dir) or own
    return own


def partial(models_dir: str | Path, asset: Asset) -> Path:
    """The folder of an incomplete download."""
    final = directory(models_dir, asset)
    return final.with_name(f"{final.name}.partial")


def problem(models_dir: str | Path, asset: Asset) -> str:
    """ "" if an asset is there and complete, else what is wrong with it."""
    return folder_problem(location(models_dir, asset), asset.needs)


def folder_problem(folder: Path, needs: Iterable[tuple[str, ...]]) -> str:
    """ "" if the folder has one file of each group of patterns, else what is wrong with it.

    Files of torch are checked each time, because their download has no checksum.
    """
    if not os.path.exists(folder):  # unlike Path.exists, accepts names too long for any file
        return "there is no such folder"
    if not os.path.isdir(folder):
        return "it is not a folder"
    needs = tuple(needs)
    missing = [group[0] for group in needs if not any(held(folder, one) for one in group)]
    if missing:
        return f"it holds no {', no '.join(missing)}"
    files = [file for group in needs for pattern in group for file in folder.glob(pattern)]
    for file in files:
        if file.suffix in checkpoints.SUFFIXES and not checkpoints.is_whole(file):
            return f"its {file.name} is damaged, or isn't a model"
    return ""


def held(folder: Path, pattern: str) -> bool:
    return any(path.is_file() for path in folder.glob(pattern))


def missing(models_dir: str | Path, wanted: Iterable[Asset]) -> list[Asset]:
    """The assets that are missing or incomplete."""
    return [asset for asset in wanted if problem(models_dir, asset)]


def size_on_disk(folder: Path) -> int:
    """The total size of all files below `folder`; some may disappear meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


# Recently failed downloads -----------------------------------------------------------------------


def recent_failure(models_dir: str | Path, asset: Asset, within: float = REMEMBER_FAILURE) -> str:
    """Why the last download failed; "" if none failed recently."""
    return _noted(_note(models_dir, asset), within) or ""


def remember_failure(models_dir: str | Path, asset: Asset, reason: str) -> None:
    """Stores the reason, for all processes, for some minutes."""
    _write_note(_note(models_dir, asset), asset, reason)


def last_look(models_dir: str | Path, asset: Asset, within: float) -> str | None:
    """The result of the last check: why it can't be downloaded; "" if it can.

    Args:
        models_dir: The models folder.
        asset: The missing asset.
        within: Seconds; older checks are ignored.

    Returns:
        None without such a check. Unlike a failed download, a check never prevents a download.
    """
    return _noted(_note(models_dir, asset, LOOK_SUFFIX), within)


def remember_look(models_dir: str | Path, asset: Asset, reason: str) -> None:
    """Records the result of a check, for all processes."""
    _write_note(_note(models_dir, asset, LOOK_SUFFIX), asset, reason)


def _noted(note: Path, within: float) -> str | None:
    """The reason in a note; None if there is none, or it is too old."""
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
        age = time.time() - float(kept["at"])
        return str(kept["reason"]) if 0 <= age < within else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_note(note: Path, asset: Asset, reason: str) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    fresh = note.with_name(f"{note.name}.{os.getpid()}")
    text = json.dumps({"model": asset.name, "reason": reason, "at": time.time()})
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, note)


def forget_failures(models_dir: str | Path) -> None:
    """Allows new tries, for example when a user says that downloads work now."""
    for pattern in (f"*{NOTE_SUFFIX}", f"*/*{NOTE_SUFFIX}"):
        for note in Path(models_dir).glob(pattern):
            note.unlink(missing_ok=True)


def _note(models_dir: str | Path, asset: Asset, suffix: str = NOTE_SUFFIX) -> Path:
    final = directory(models_dir, asset)
    return final.with_name(f"{final.name}{suffix}")

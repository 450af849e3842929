"""The files of an asset, and where each is: at the hub, or at its own URL.

Only runs in the process of `download`.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from transcription.engines.model_files.assets import Asset, Source

FORBIDDEN = ("\\", ":")
"""Characters with which Windows reads a name as another path."""


class FetchError(Exception):
    """Why an asset can't be downloaded, in a sentence."""


class DownloadRefused(Exception):
    """A server sent something else than the file."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes:
        name: Its path below the asset's folder, with slashes.
        url: Its URL.
        version: Differs for other content; usable in a file's name.
        size: In bytes; None: unknown.
        sha256: Of its content; None: unknown.
        headers: Request headers.
        tag: The server's ETag, with which the rest of a file is requested.
    """

    name: str
    url: str
    version: str
    size: int | None
    sha256: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    tag: str = ""


def listing(asset: Asset, timeout: float) -> list[RemoteFile]:
    """The files of an asset.

    Raises:
        FetchError: There are none, or HF_ENDPOINT is not a URL.
        Refused: The server has no such file.
        Exception: What the clients raise without a network; those of the hub have a `response`.
    """
    if asset.source.url:
        return [_at_address(asset.source.url, timeout)]
    return _at_hub(asset, timeout)


def _at_address(url: str, timeout: float) -> RemoteFile:
    """What the server says about one file, before it is sent."""
    import httpx2

    answer = httpx2.head(
        url, headers={"Accept-Encoding": "identity"}, timeout=timeout, follow_redirects=True
    )
    if not answer.is_success:
        raise DownloadRefused(answer.status_code)
    length, tag = answer.headers.get("Content-Length", ""), answer.headers.get("ETag", "")
    strong = "" if tag.startswith("W/") else tag
    name = _safe(PurePosixPath(urlsplit(url).path).name)
    size = int(length) if length.isdigit() else None
    return RemoteFile(name, url, _version(f"{url} {tag} {length}"), size, tag=strong)


def _at_hub(asset: Asset, timeout: float) -> list[RemoteFile]:
    """The newest commit of the repository, and its files that are needed."""
    endpoint = os.environ.get("HF_ENDPOINT", "")
    if not endpoint:  # the hub's client would take an empty one for a URL
        os.environ.pop("HF_ENDPOINT", None)
    elif not _is_address(endpoint):
        raise FetchError(f"HF_ENDPOINT is not a URL: {endpoint}.")
    from huggingface_hub import HfApi, hf_hub_url

    hub: Any = import_module("huggingface_hub.utils")
    repository = asset.source.repository
    info = HfApi().model_info(repository, files_metadata=True, timeout=timeout)
    commit = info.sha or "main"
    about: dict[str, Any] = {one.rfilename: one for one in info.siblings or []}
    names = wanted(about, asset.source, asset.needs)
    if not names:
        raise FetchError(f"The repository {repository} has none of the required files.")
    headers = hub.build_hf_headers()
    return [
        RemoteFile(
            _safe(name),
            hf_hub_url(repository, name, revision=commit),
            _version(about[name].blob_id or commit),
            about[name].size,
            about[name].lfs.sha256 if about[name].lfs else None,
            headers,
        )
        for name in names
    ]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def wanted(
    names: Iterable[str], source: Source, needs: Iterable[tuple[str, ...]] = ()
) -> list[str]:
    """The names that match the source's patterns; of each group in `needs` only the first."""
    patterns = source.patterns
    found = [
        name
        for name in names
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        or not (patterns or PurePosixPath(name).name.startswith("."))
    ]
    for group in needs:
        by_choice = [fnmatch.filter(found, pattern) for pattern in group]
        chosen = next(filter(None, by_choice), [])
        rest = {name for choice in by_choice for name in choice} - set(chosen)
        found = [name for name in found if name not in rest]
    return found


def _safe(name: str) -> str:
    """The name as a path within its folder.

    Raises:
        FetchError: It would be outside.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or any(s in name for s in FORBIDDEN):
        raise FetchError(f"It has a file with an invalid name: {name!r}.")
    return path.as_posix()


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""The packages whose recordings are used, fetched by the registries' own clients."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


class FetchError(Exception):
    """A package couldn't be fetched, or isn't the one that is named by its hash."""


@dataclass(frozen=True)
class Archive:
    """One package as its registry serves it.

    Attributes:
        registry: `pypi` or `npm`.
        platform: That of a wheel, `any` for one that fits all; empty for a source distribution.
    """

    name: str
    registry: str
    version: str
    licence: str
    sha256: str
    platform: str = ""

    @property
    def requirement(self) -> str:
        """The line of a requirements file: pip refuses other files than the named one."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"


def fetch(archive: Archive, cache: Path) -> Path:
    """The archive's file, from the cache or the registry.

    Raises:
        FetchError: With the reason.
    """
    folder = cache / f"{archive.name}-{archive.version}"
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        _download(archive, folder)
    for path in folder.iterdir():
        if _sha256(path) == archive.sha256:
            return path
        path.unlink()
    raise FetchError(
        f"{archive.name} {archive.version} isn't the published file (SHA-256 differs)."
    )


def _download(archive: Archive, folder: Path) -> None:
    print(f"fetching {archive.name} {archive.version}", flush=True)
    with tempfile.TemporaryDirectory() as work:
        requirements = Path(work) / "requirements.txt"
        requirements.write_text(archive.requirement)
        client = npm_command if archive.registry == "npm" else pip_command
        _run(archive, client(archive, folder, requirements))


def pip_command(archive: Archive, folder: Path, requirements: Path) -> list[str]:
    """Fetches a wheel, or a source distribution, whose metadata pip reads; nothing is built."""
    kind = ["--only-binary", ":all:"] if archive.platform else ["--no-binary", archive.name]
    if archive.platform not in ("", "any"):
        kind += ["--platform", archive.platform]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    return [*pip, "--no-deps", *kind, "--dest", str(folder), "--requirement", str(requirements)]


def npm_command(archive: Archive, folder: Path, requirements: Path) -> list[str]:
    """Fetches an npm package without installing it."""
    wanted = f"{archive.name}@{archive.version}"
    return ["npm", "pack", wanted, "--silent", "--pack-destination", str(folder)]


def _run(archive: Archive, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{archive.name} couldn't be fetched: {error}") from error
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise FetchError(f"{archive.name} couldn't be fetched: {' '.join(reason)}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

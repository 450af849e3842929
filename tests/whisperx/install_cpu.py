"""Makes an environment in which the site runs with WhisperX on a processor, for the tests.

    python3 tests/whisperx/install_cpu.py FOLDER      (about 2 GB, three minutes)

People install requirements-whisperx.txt, which brings CUDA libraries of 3 GB. Here the same
versions of whisperx, pyannote and all they need go in, but for torch: one version that there is for
processors, and of its companions only torchaudio, which is imported but not computed with. (Where
pip's index offers torch for CUDA alone, tell pip of another one by PIP_EXTRA_INDEX_URL.)
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TORCH = "torch==2.13.0"
TORCHAUDIO = "torchaudio==2.11.0"
NOT_NEEDED = {"torch", "torchaudio", "torchvision", "torchcodec", "triton"}
"""Companions of torch: whisperx and pyannote run without, and name versions that do not fit."""
WITHOUT_THEIR_NEEDS = ("whisperx", "pyannote-audio", "torch-audiomentations", "torch-pitch-shift")
PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)")
REQUIREMENTS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.requires(name) or [] for name in sys.argv[1:]}))
"""


def install(folder: Path) -> None:
    """Make the environment in `folder`."""
    venv.create(folder, with_pip=True, clear=True)
    python = python_of(folder)
    _pip(python, TORCH)
    pins = _pins(ROOT / "requirements-whisperx.txt")
    versions = {**_pins(ROOT / "constraints.txt"), **pins}
    bare = [f"{name}=={versions[name]}" for name in WITHOUT_THEIR_NEEDS]
    _pip(python, "--no-deps", TORCHAUDIO, *bare)
    _without_cuda(python)
    needs = set(_needs(python)) - set(WITHOUT_THEIR_NEEDS) - NOT_NEEDED
    exact = [f"{name}=={pins[name]}" if name in pins else name for name in sorted(needs)]
    _pip(python, "-r", str(ROOT / "requirements.txt"), TORCH, *exact)


def python_of(folder: Path) -> Path:
    """The environment's interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _pins(file: Path) -> dict[str, str]:
    """The versions that a file of requirements names."""
    found = (PINNED.match(line) for line in file.read_text(encoding="utf-8").splitlines())
    return {_plain(match[1]): match[2] for match in found if match}


def _needs(python: Path) -> Iterable[str]:
    """What the packages need that were installed without, by name; constraints say the version."""
    told = _run(python, "-c", REQUIREMENTS, *WITHOUT_THEIR_NEEDS)
    for requirements in json.loads(told).values():
        for requirement in requirements:
            if "extra ==" not in requirement:
                yield _plain(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])


def _plain(name: str) -> str:
    """A package's name, of which several spellings are allowed, in one of them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _without_cuda(python: Path) -> None:
    """torchaudio's libraries for Linux want CUDA's; without them it is plain Python."""
    place = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))").strip()
    for library in (Path(place) / "torchaudio" / "lib").glob("*.so"):
        library.unlink()


def _pip(python: Path, *arguments: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run(python, "-m", "pip", "install", *quiet, "-c", str(ROOT / "constraints.txt"), *arguments)


def _run(python: Path, *arguments: str) -> str:
    command = [str(python), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    started = time.monotonic()
    install(Path(sys.argv[1]))
    print(f"WhisperX for tests is installed ({time.monotonic() - started:.0f} s).")

"""The newest Django, where the site's own environment has the long-term support release."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT
from transcription.engines.model_files import built_in

NEWEST = "Django>=6"
OLDER_ALONE = re.compile(r"(django|django-csp)==")
"""What the lock has for Django 5.2: itself, and what Django has of its own from 6.0 on."""


def newer_python() -> str:
    """A Python for Django 6, which wants 3.12; without one the test is skipped, but not in CI."""
    if sys.version_info >= (3, 12):
        return sys.executable
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for minor in (14, 13, 12):
        found = shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
        kept = sorted(glob.glob(f"{pyenv}/versions/3.{minor}.*/bin/python3.{minor}"))
        if found or kept:
            return found or kept[-1]
    reason = "Django 6 needs Python 3.12 or newer, and none is found here"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def environment_of_site(folder: Path) -> str:
    """Makes an environment with all that the site has locked, but the newest Django.

    Returns:
        Its Python.
    """
    subprocess.run([newer_python(), "-m", "venv", str(folder / "venv")], check=True, timeout=300)
    python = str(folder / "venv/bin/python")
    locked = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    kept = [package for package in locked if not OLDER_ALONE.match(package)]
    assert len(kept) == len(locked) - 2
    (folder / "site.lock").write_text("\n".join(kept), encoding="utf-8")
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
    subprocess.run([*install, NEWEST], check=True, timeout=600)
    for lock in (folder / "site.lock", ROOT / built_in.LOCK):
        subprocess.run([*install, "--require-hashes", "-r", str(lock)], check=True, timeout=600)
    return python

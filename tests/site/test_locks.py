"""What is installed is what the project locked: each file by its hash, at the versions it names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.locks import plain, read_lock
from tests.running import ROOT

PAIRS = {
    "requirements.txt": "requirements.lock",
    "requirements-dev.txt": "requirements-dev.lock",
    "requirements-model.txt": "requirements-model.lock",
    "requirements-node.txt": "requirements-node.lock",
    "requirements-whisperx.txt": "requirements-whisperx.lock",
    "bench/peers/requirements.txt": "bench/peers/requirements.lock",
}
FOR_ONE_ENVIRONMENT = ("requirements.lock", "requirements-dev.lock", "requirements-whisperx.lock")
DIRECT = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)")
AGAIN = "make lock writes the locks anew"


def direct(file: Path) -> dict[str, str]:
    """The versions that a file of requirements pins, those of the files it includes among them."""
    pinned: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            pinned |= direct(file.parent / line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            match = DIRECT.match(line)
            assert match, f"{file.name}: {line!r} pins nothing"
            pinned[plain(match[1])] = match[2]
    return pinned


@pytest.mark.parametrize("requirements", PAIRS)
def test_a_lock_has_what_is_required(requirements: str) -> None:
    locked = {entry.name: entry.version for entry in read_lock(ROOT / PAIRS[requirements])}
    wanted = direct(ROOT / requirements)
    assert wanted
    assert {name: locked.get(name) for name in wanted} == wanted, AGAIN


@pytest.mark.parametrize("lock", PAIRS.values())
def test_a_lock_names_each_file_by_its_hash_and_no_place(lock: str) -> None:
    entries = read_lock(ROOT / lock)
    assert entries
    for entry in entries:
        assert entry.hashes, entry.name
        # Nothing stands there but the pin, its marker and hashes: no address, no option of pip.
        left = re.sub(r"--hash=sha256:[0-9a-f]{64}", "", entry.text.replace("\\\n", " "))
        pin = f"{entry.version} ; {entry.marker}" if entry.marker else entry.version
        assert " ".join(left.split()).partition("==")[2] == pin


def test_what_is_installed_together_has_one_version() -> None:
    first = {entry.name: entry.version for entry in read_lock(ROOT / FOR_ONE_ENVIRONMENT[0])}
    for lock in FOR_ONE_ENVIRONMENT[1:]:
        locked = {entry.name: entry.version for entry in read_lock(ROOT / lock)}
        assert {name: locked.get(name) for name in first} == first, f"{lock}: {AGAIN}"


@pytest.mark.parametrize("folder", [".", "bench/peers"])
def test_npm_packages_are_locked_by_hash(folder: str) -> None:
    wanted = json.loads((ROOT / folder / "package.json").read_text())
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    for kind in ("dependencies", "devDependencies"):
        assert packages[""].get(kind) == wanted.get(kind), (
            f"npm install --package-lock-only {folder}"
        )
    del packages[""]
    assert packages
    for path, package in packages.items():
        assert package["integrity"].startswith("sha512-"), path
        assert "resolved" not in package, path


def test_whatever_is_installed_from_a_file_comes_from_a_lock() -> None:
    """pip checks hashes where a file has them, and must where the option is there."""
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^PIP := .* --require-hashes$", makefile, re.M)
    named = re.findall(r"\$\(PIP\) -r (\S+)", makefile)
    for document in ("README.md", "docs/engines.md"):
        named += re.findall(r"pip install .*?-r ([\w.-]+)", (ROOT / document).read_text())
    assert len(named) >= 5
    assert set(named) <= set(PAIRS.values())

"""The map in CONTRIBUTING.md: it says where things happen, and rots less than other prose."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.calls import function_of

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = ("uploads", "transcription", "whisperx_site")
MOST_FILES = 5
ROW = re.compile(r"^\| (.+\?) \| `(.+)` \| `(.+)` `(.+)` \| `(.+)` \|$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """One line of the map."""

    question: str
    word: str
    file: str
    function: str
    test: str

    @property
    def name(self) -> str:
        """The function, as `tests.calls` names it."""
        return f"{self.file.removesuffix('.py').replace('/', '.')}:{self.function}"


PLACES = [Place(*row) for row in ROW.findall(GUIDE)]
each_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.word)


def test_twelve_questions_are_answered() -> None:
    _, _, table = GUIDE.partition("## Where things happen")
    table, _, _ = table.partition("\n## ")
    assert len(PLACES) == table.count("\n| ") - 1 == 12  # besides the heading


@each_place
def test_the_function_is_where_the_map_says(place: Place) -> None:
    code = function_of(place.name).__code__
    assert Path(code.co_filename).resolve() == ROOT / place.file  # not only imported there


@each_place
def test_its_word_finds_few_files_and_this_one(place: Place) -> None:
    found = [file for file in product_files() if place.word.lower() in text_of(file)]
    assert place.file in found, found
    assert len(found) <= MOST_FILES, found


@pytest.mark.proof
def test_the_tests_that_the_map_names_call_the_functions(tmp_path: Path) -> None:
    """A trace of a run of theirs shows that they call them, not that they would miss them."""
    seen = tmp_path / "seen"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.calls", "-p", "no:cacheprovider"]
    names = {place.name for place in PLACES}
    run = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'run'}", *{place.test for place in PLACES}],
        cwd=ROOT,
        env={
            **{key: said for key, said in os.environ.items() if not key.startswith("PYTEST_")},
            "CALLS_OF": "\n".join(sorted(names)),
            "CALLS_TO": str(seen),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    calls = {tuple(line.split("\t")) for line in seen.read_text(encoding="utf-8").splitlines()}
    missing = [place for place in PLACES if (place.test, place.name) not in calls]
    assert not missing


def test_each_room_has_a_line() -> None:
    _, _, table = GUIDE.partition("## Layout")
    table, _, _ = table.partition("\n## ")
    lines = "\n".join(line for line in table.splitlines() if line.startswith("| `"))
    described = set(re.findall(r"`([\w/]+)/`", lines))
    rooms = {
        str(Path(file).parent)
        for file in product_files()
        if file.endswith(".py") and not file.endswith("__init__.py") and "migrations" not in file
    }
    assert described - {"tests"} >= rooms
    assert all((ROOT / room).is_dir() for room in described)


def product_files() -> list[str]:
    """All files of the three packages, from the project's root."""
    found = (file for package in PACKAGES for file in (ROOT / package).rglob("*"))
    files = (file for file in found if file.is_file() and "__pycache__" not in file.parts)
    return sorted(file.relative_to(ROOT).as_posix() for file in files)


def text_of(file: str) -> str:
    """What a search looks at, in small letters."""
    return (ROOT / file).read_bytes().decode("utf-8", "replace").lower()

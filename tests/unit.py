"""`pytest --unit`: the tests that start nothing beside themselves, for the loop while one writes.

Left out are proofs, tests with a fixture that hands out what runs outside (OUTSIDE), those that
start something themselves and are marked `starts`, and those marked `slow`. What starts something
all the same fails, so that the list stays true.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OUTSIDE = re.compile(
    r"\b(Site|Browser|EngineProcess|Hub|Server|SmallDisk|Clock|Popen|new_database)\b"
)
"""Names in what a fixture says that it gives: sites, servers, browsers and processes."""
ONLY_PROOFS = re.compile(r"^pytestmark = \[?pytest\.mark\.proof", re.MULTILINE)
"""A line of modules that are not even imported."""
STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "socket.bind"}
"""Events of Python (its audit hooks) by which a process starts, or somebody listens."""


class Unit:
    """The plugin behind the option."""

    def __init__(self) -> None:
        self.runs = False
        sys.addaudithook(self.look)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        is_test = collection_path.match("test_*.py")
        if is_test and ONLY_PROOFS.search(collection_path.read_text(encoding="utf-8")):
            return True
        return None  # others may know a reason

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        left_out = [item for item in items if is_outside(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self.runs = True
        try:
            return (yield)
        finally:
            self.runs = False

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python at whatever happens."""
        if self.runs and event in STARTS:
            pytest.fail(f"{event}: mark the test `starts`, or let its fixture say what it is")


def is_outside(item: pytest.Item) -> bool:
    """Whether a test needs more than itself."""
    if any(item.get_closest_marker(name) for name in ("proof", "starts", "slow")):
        return True
    assert isinstance(item, pytest.Function)
    return any(
        OUTSIDE.search(f"{name} {fixture.func.__annotations__.get('return', '')}")
        for name, found in item._fixtureinfo.name2fixturedefs.items()
        for fixture in found
    )

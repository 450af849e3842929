"""`pytest --unit`: the tests that start nothing beside themselves, for the loop while one writes.

Left out are proofs, tests with a fixture that hands out what runs outside (OUTSIDE), and those that
start something themselves and are marked `starts`. What starts something all the same fails: the
list stays true, and a minute stays a minute.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

OUTSIDE = re.compile(
    r"\b(Site|Browser|EngineProcess|Hub|Server|SmallDisk|Clock|Popen|new_database)\b"
)
"""Names in what a fixture says that it gives: sites, servers, browsers and processes."""
STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "socket.bind"}
"""Events of Python (its audit hooks) by which a process starts, or somebody listens."""


class Unit:
    """The plugin behind the option."""

    def __init__(self) -> None:
        self.runs = False
        sys.addaudithook(self.look)

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
    if item.get_closest_marker("proof") or item.get_closest_marker("starts"):
        return True
    assert isinstance(item, pytest.Function)
    return any(
        OUTSIDE.search(f"{name} {fixture.func.__annotations__.get('return', '')}")
        for name, found in item._fixtureinfo.name2fixturedefs.items()
        for fixture in found
    )

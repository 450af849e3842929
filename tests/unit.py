"""`pytest --unit`: only tests that start nothing, for quick runs while writing.

Excluded are proof tests, tests with a fixture that returns something running outside (OUTSIDE),
those that start something themselves and are marked `starts`, and those marked `slow`. A test that
starts something anyway fails, so that the selection stays correct.
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
"""Names in a fixture's annotation: sites, servers, browsers and processes."""
ONLY_PROOFS = re.compile(r"^pytestmark = \[?pytest\.mark\.proof", re.MULTILINE)
"""A line in modules that are not even imported."""
STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "socket.bind"}
"""Python's audit events for starting a process or listening on a socket."""


class Unit:
    """The plugin behind the option."""

    def __init__(self) -> None:
        self.runs = False
        sys.addaudithook(self.look)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        is_test = collection_path.match("test_*.py")
        if is_test and ONLY_PROOFS.search(collection_path.read_text(encoding="utf-8")):
            return True
        return None  # other plugins may have a reason

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
        """Called by Python for every audit event."""
        if self.runs and event in STARTS:
            pytest.fail(f"{event}: mark the test `starts`, or let its fixture say what it is")


def is_outside(item: pytest.Item) -> bool:
    """Whether a test needs something outside of itself."""
    if any(item.get_closest_marker(name) for name in ("proof", "starts", "slow")):
        return True
    assert isinstance(item, pytest.Function)
    return any(
        OUTSIDE.search(f"{name} {fixture.func.__annotations__.get('return', '')}")
        for name, found in item._fixtureinfo.name2fixturedefs.items()
        for fixture in found
    )

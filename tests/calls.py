"""Records which functions tests call: a pytest plugin for a separate run in one process.

`-p tests.calls` with CALLS_OF (`module:function`, one a line) and CALLS_TO, a file, which gets a
line `test<TAB>module:function` for each function that a test called.
"""

import os
import sys
import threading
from collections.abc import Generator
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

seen: set[tuple[str, str]] = set()


def function_of(name: str) -> Any:
    """The function that `module:function` or `module:Class.function` names."""
    module, _, path = name.partition(":")
    return attrgetter(path)(import_module(module))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Watches the calls of this test, in any thread."""
    names = os.environ["CALLS_OF"].splitlines()
    by_code = {id(function_of(name).__code__): name for name in names}
    test = item.nodeid.partition("[")[0]

    def look(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and (name := by_code.get(id(frame.f_code))):
            seen.add((test, name))

    threading.setprofile(look)
    sys.setprofile(look)
    yield
    sys.setprofile(None)
    threading.setprofile(None)


def pytest_sessionfinish() -> None:
    """Writes the calls to the file."""
    lines = (f"{test}\t{name}\n" for test, name in sorted(seen))
    Path(os.environ["CALLS_TO"]).write_text("".join(lines), encoding="utf-8")

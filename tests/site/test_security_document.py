"""Each threat that docs/security.md lists has tests, and they exist."""

from __future__ import annotations

import re

from tests.running import ROOT

NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)(?:::(test_\w+))?`")


def test_the_tests_that_are_named_exist() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        named = NAMED.findall(row.rpartition("|")[0].rpartition("|")[2])
        assert named, f"no test: {row}"
        for file, function in named:
            source = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert not function or f"\ndef {function}(" in source, (file, function)

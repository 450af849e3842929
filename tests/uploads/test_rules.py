"""`docs/tus.md`: the rules of the specification and the tests that hold them."""

import ast
import re
from functools import cache

from tests.running import ROOT

HERE = ROOT / "tests" / "uploads"
NAMED = re.compile(r"`(test_\w+)::(test_\w+)`")


@cache
def names_in(module: str) -> set[str]:
    tree = ast.parse((HERE / f"{module}.py").read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_rule_is_held_by_a_test_that_exists() -> None:
    rows = [row for row in (ROOT / "docs" / "tus.md").read_text().splitlines() if row[:2] == "| "]
    rules = [row for row in rows if not row.startswith("| |")]
    assert len(rules) > 50
    for rule in rules:
        named = NAMED.findall(rule)
        assert named, f"no test holds: {rule}"
        for module, name in named:
            assert name in names_in(module), f"there is no {module}::{name}"

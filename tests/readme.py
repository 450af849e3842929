"""Runs the commands of README and docs/operations.md, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.running import ROOT

DOCUMENTS = ("README.md", "docs/operations.md")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def block(containing: str, language: str = "sh") -> str:
    """The only fenced block of these documents that contains this text."""
    text = "".join((ROOT / name).read_text() for name in DOCUMENTS)
    found = [code for kind, code in FENCED.findall(text) if kind == language and containing in code]
    assert len(found) == 1, f"{len(found)} blocks hold {containing!r}"
    return str(found[0])


def run(code: str, environment: Mapping[str, str], **words: str) -> str:
    """Runs a block in the project's folder, with a reader's values instead of the document's.

    Args:
        code: The block.
        environment: Of the shell; `python` there is ours.
        words: Its values and their replacements, as `what_it_is="README's|the reader's"`.
    """
    for pair in words.values():
        theirs, own = pair.split("|", 1)
        assert theirs in code, theirs
        code = code.replace(theirs, own)
    path = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", "")))
    done = subprocess.run(
        ["sh", "-e", "-c", code],
        cwd=ROOT,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout

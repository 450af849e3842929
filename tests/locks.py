"""Reads the locks that `make lock` writes: packages, and the hashes of their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ENTRY = re.compile(r"^([\w.-]+)(?:\[[\w,.-]+\])?==([^\s;]+)(?:\s*;([^\\]*))?")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?= |$)", re.MULTILINE)


@dataclass(frozen=True)
class Locked:
    """One package at one version.

    Attributes:
        name: Spelled as by `plain`.
        version: The only accepted one.
        marker: Where it is installed; empty: everywhere.
        hashes: SHA-256 of each file that may be installed.
        text: The entry's text in the lock.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    text: str


def plain(name: str) -> str:
    """A package's name in one of its allowed spellings."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(file: Path) -> list[Locked]:
    """All entries of a lock; raises ValueError for an invalid line."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    code = "".join(line for line in lines if not line.lstrip().startswith("#"))
    return [_entry(text) for text in re.split(r"^(?=\S)", code, flags=re.MULTILINE) if text]


def _entry(text: str) -> Locked:
    match = ENTRY.match(text)
    if match is None:
        raise ValueError(f"not a pinned package: {text!r}")
    marker = (match[3] or "").strip()
    return Locked(plain(match[1]), match[2], marker, tuple(HASH.findall(text)), text)

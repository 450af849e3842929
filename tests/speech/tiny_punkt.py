"""Writes sentence data for NLTK that know one abbreviation, for tests."""

from __future__ import annotations

from pathlib import Path

FILES = ("collocations.tab", "sent_starters.txt", "ortho_context.tab")


def make(root: Path, language: str = "english", abbreviation: str = "capt") -> Path:
    """Write the data below `root`, which then belongs into NLTK's path."""
    folder = root / "tokenizers" / "punkt_tab" / language
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text("")
    (folder / "abbrev_types.txt").write_text(f"{abbreviation}\n")
    return root

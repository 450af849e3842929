"""The README's examples for programs do what they say, with the key that they read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, Site
from tests.speech import recordings

EXAMPLES = [
    (language, text)
    for language, text in re.findall(
        r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    if "local_key" in text
]


@pytest.mark.parametrize(
    ("word", "language"), [("curl", "sh"), ("tusclient", "python"), ("openai", "python")]
)
def test_an_example_works_as_it_stands(
    site: Site, tmp_path: Path, word: str, language: str
) -> None:
    """But for the address and the data folder, which are other ones here."""
    (example,) = [text for kind, text in EXAMPLES if (kind, word in text) == (language, True)]
    recordings.write(tmp_path / "interview.mp3", recordings.speech())
    (tmp_path / "var").symlink_to(site.data_dir)
    script = example.replace("http://127.0.0.1:8000", site.url)
    command = ["sh", "-c", script] if language == "sh" else [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    if word == "openai":
        assert done.stdout == f"{recordings.TEXT}\n"
    if word == "curl":
        assert '"identifier"' in done.stdout, done.stdout
    newest = site.http.get(f"{site.url}/jobs.json", timeout=30).json()["jobs"][0]
    assert newest["filename"] == "interview.mp3"

"""The example of docs/engines.md: one file and one line make an engine."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import ROOT, Site, text_of
from tests.speech.able_engine import environment

DOCUMENT = ROOT / "docs" / "engines.md"
RUN = """
import json, sys
from transcription.engines.base import Request
from transcription.engines.runtime.engine_process import EngineProcess

engine, told = EngineProcess(), []
wanted = Request(sys.argv[1], "loudness", language="lv", work_dir=sys.argv[2])
result = engine.run(wanted, told.append)
engine.close()
stages = list(dict.fromkeys(event.stage for event in told))
print(json.dumps([result.engine, result.language, result.segments, stages]))
"""


def blocks() -> tuple[str, str]:
    """The file and the line."""
    file, line = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return file, line


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the engines' code with the example in it, as the document says."""
    file, line = blocks()
    skipped = shutil.ignore_patterns("__pycache__", "static", "templates")
    shutil.copytree(ROOT / "transcription", tmp_path / "transcription", ignore=skipped)
    engines = tmp_path / "transcription" / "engines"
    (engines / "loudness.py").write_text(file)
    registry = (engines / "registry.py").read_text()
    assert registry.count("\nENGINES = {\n") == 1
    (engines / "registry.py").write_text(
        registry.replace("\nENGINES = {\n", f"\nENGINES = {{\n{line}")
    )
    return tmp_path


@pytest.mark.starts
def test_it_is_short_and_clean() -> None:
    file, line = blocks()
    assert len([row for row in file.splitlines() if row.strip()]) <= 40 and line.count("\n") == 1
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, "--stdin-filename", "tests/loudness.py"]
        done = subprocess.run([*command, "-"], cwd=ROOT, input=file, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.starts
def test_it_runs_in_a_process_of_its_own(tree: Path, recording: Callable[[str], Path]) -> None:
    command = [sys.executable, "-c", RUN, str(recording("wav")), str(tree / "work")]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tree, env=clean, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    engine, language, segments, stages = json.loads(done.stdout)
    assert (engine, language) == ("loudness", "lv")
    (segment,) = segments  # the sentence begins after 0.46 s and ends after 2.12 s
    assert segment["text"] == "[sound]"
    assert segment["start"] == pytest.approx(0.46, abs=0.15)
    assert segment["end"] == pytest.approx(2.12, abs=0.25)
    assert stages == ["probing", "decoding", "loading", "transcribing"]


@pytest.mark.proof
def test_a_site_uses_it(
    tmp_path: Path, new_site: Callable[..., Site], recording: Callable[[str], Path]
) -> None:
    """Jobs, page and exports know it without being told."""
    (tmp_path / "example_of_an_engine.py").write_text(blocks()[0])
    known = environment(tmp_path, "example_of_an_engine:Loudness", "loudness")
    site = new_site(**known).start()
    identifier = str(uuid.uuid4())
    site.upload(recording("mp3"), taskId=identifier)
    task = site.wait_for_task(identifier)
    assert (task["status"], text_of(task)) == ("completed", "[sound]")
    page = site.http.get(site.url, headers={"Accept": "text/html"}, timeout=30).text
    assert "Loudness can't translate or tell speakers apart." in page
    written = site.http.get(f"{site.url}/jobs/{identifier}/export.txt", timeout=30).text
    assert written == "[sound]\n"

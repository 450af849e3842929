"""The suite runs from end to end; how fast anything is, no test asserts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT


@pytest.mark.proof
def test_a_quick_run_of_this_server_alone(tmp_path: Path) -> None:
    command = ["--quick", "--modes", "small,head", "--only", "ours", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    runs = json.loads((tmp_path / "latest.json").read_text())["runs"]
    cases = {run["case"] for run in runs}
    assert cases == {"post-patch-1", "post-patch-16", "with-upload-1", "with-upload-16", "head-16"}
    for run in runs:
        assert run["server"] == "ours"
        assert run["count"] > 0 and run["errors"] == 0, run
        assert run["cpu"] > 0 and run["worker_peak"] > 0, run
    assert "| HEAD, 16 connections | this server |" in (tmp_path / "latest.md").read_text()
    assert (tmp_path / "latest.svg").read_text().startswith("<svg ")

"""The tests of claims, runs and answers once more, and races, on PostgreSQL."""

import os
import subprocess
import sys

import pytest

from tests.running import ROOT

HERE = "tests/transcription"


@pytest.mark.proof
@pytest.mark.parametrize(
    "name", ["races_on_postgresql.py", "test_claims.py", "test_runs.py", "test_answers.py"]
)
def test_on_postgresql(postgres_url: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"{HERE}/{name}", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-5000:]

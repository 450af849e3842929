"""Bringing the tables up to date, killed where it hurts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

pytestmark = pytest.mark.proof

KILLED = 77
# Dies when it is about to note that a migration is done, whether its tables are there or not.
DYING = """
import os, sys, django
django.setup()
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
record = MigrationRecorder.record_applied
def dying(self, app, name):
    if f"{app}.{name}" == sys.argv[1]:
        os._exit(77)
    record(self, app, name)
MigrationRecorder.record_applied = dying
call_command("migrate", interactive=False, verbosity=0)
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("migration", ["accounts.0001_initial", "uploads.0002_extensions"])
def test_a_migration_that_was_killed_can_be_repeated(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, migration: str
) -> None:
    """Both leave statements for their end, which Django follows by a note outside of them."""
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "whisperx_site.settings",
    }
    if database == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("new_database")()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert run("-c", DYING, migration).returncode == KILLED
    done = run("manage.py", "migrate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run("manage.py", "migrate", "--check").returncode == 0

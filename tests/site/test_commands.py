"""Commands that want another database than they find: a sentence on what to do, and status 1."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.running import ROOT, Site, prepared

NO_TABLES = "The database has no tables yet: run `manage.py serve` or `manage.py migrate`."
OURS = {"whisperx_site", "whisperx_site.accounts", "uploads", "transcription"}
# Those make the tables, or do without.
NEED_NO_TABLES = {"check", "doctor", "fetch_models", "migrate", "serve", "transcribe"}
NEED_NO_TABLES |= {"move_database"}
NEED_TABLES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("cleanup_uploads", "join_store", "login_link", "qcluster"), ()),
    **dict.fromkeys(("reconcile_uploads", "sync_schedules"), ()),
    **dict.fromkeys(("uploads", "jobs"), ("list",)),
    "create_api_key": ("ann", "a script"),
}
OF_OTHERS = {"changepassword": ("admin",)}


def run(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path / "data"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_command_of_ours_is_listed() -> None:
    found = get_commands()
    ours = {name for name, app in found.items() if app in OURS}
    assert {"whisperx_site", "uploads", "transcription"} <= set(found.values())
    assert ours <= NEED_NO_TABLES | NEED_TABLES.keys()
    assert found.keys() >= NEED_NO_TABLES | NEED_TABLES.keys() | OF_OTHERS.keys()


@pytest.mark.starts
@pytest.mark.parametrize("command", sorted({**NEED_TABLES, **OF_OTHERS}))
def test_before_the_first_start(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, command, *{**NEED_TABLES, **OF_OTHERS}[command])
    assert done.returncode == 1
    assert NO_TABLES in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.proof
def test_doctor_before_the_first_start(tmp_path: Path) -> None:
    """Nothing is wrong yet."""
    done = run(tmp_path, "doctor", WHISPER_MODEL="tiny.en")
    assert f"ok  tables: {NO_TABLES}" in done.stdout
    assert done.returncode == 0, done.stdout
    told = json.loads(run(tmp_path, "doctor", "--json", WHISPER_MODEL="tiny.en").stdout)
    assert told["settings"]["WHISPER_MODEL"] == "tiny.en"
    assert {"what": "tables", "fact": NO_TABLES, "remedy": "", "ok": True} in told["findings"]


@pytest.mark.proof
def test_tables_of_another_version(tmp_path: Path) -> None:
    """An older one's want a migration, a newer one's a newer site; both are told by their name."""
    site = Site(tmp_path / "data", fresh=True)
    site.manage("migrate", "uploads", "0001", "-v0")
    older = run(tmp_path, "cleanup_uploads")
    assert older.returncode == 1 and "those of an older version" in older.stderr
    site.manage("migrate", "-v0")
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3", isolation_level=None)) as database:
        database.execute("ALTER TABLE uploads_cleanuprun RENAME COLUMN trigger TO cause")
        assert "Traceback" in run(tmp_path, "cleanup_uploads").stderr  # nothing that we know of
        note = "INSERT INTO django_migrations (app, name, applied) VALUES ('uploads', '9999_x', 0)"
        database.execute(note)
    newer = run(tmp_path, "cleanup_uploads")
    assert newer.returncode == 1 and "those of a newer version" in newer.stderr
    assert "Traceback" not in older.stderr + newer.stderr


@pytest.mark.proof
def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    done = run(tmp_path, "cleanup_uploads", DATABASE_URL="postgres://me:sesame@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "The database doesn't answer" in done.stderr
    assert "Traceback" not in done.stderr and "sesame" not in done.stderr


MAKE_OVERDUE = """
from datetime import timedelta
from django.utils import timezone
from uploads.models import Upload
from uploads.services.maintenance.store_identity import store_problem
from uploads.stores.registry import store
assert store_problem() is None
upload = Upload.objects.create(expires=timezone.now() - timedelta(days=1))
store().create(upload.id.hex)
print(store().path(upload.id.hex))
"""


@pytest.mark.proof
def test_cleanup_tells_by_its_status_that_something_failed(tmp_path: Path) -> None:
    """Bytes that stay, and a step that breaks off; the next run, once it is mended, is well."""
    site = Site(tmp_path / "data")
    shutil.copytree(prepared(), site.data_dir)
    file = Path(site.shell(MAKE_OVERDUE).strip())
    file.unlink()
    file.mkdir()  # not removed as a file is, by no user at all
    database = site.data_dir / "db.sqlite3"
    with closing(sqlite3.connect(database, isolation_level=None)) as tables:
        tables.execute("ALTER TABLE uploads_part RENAME TO aside")
    failed = site.manage("cleanup_uploads", check=False)
    assert failed.returncode == 1
    assert "1 uploads were expired" in failed.stdout  # the other steps go on
    assert f"{uuid.UUID(file.name)}: its bytes can't be removed yet" in failed.stderr
    assert "prune: no such table: uploads_part" in failed.stderr
    assert "The cleanup is not complete" in failed.stderr
    file.rmdir()
    with closing(sqlite3.connect(database, isolation_level=None)) as tables:
        tables.execute("ALTER TABLE aside RENAME TO uploads_part")
    mended = site.manage("cleanup_uploads", check=False)
    assert mended.returncode == 0, mended.stderr
    assert "can't" not in mended.stderr

"""`manage.py move_database`: SQLite to PostgreSQL and back, everything or nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from filelock import FileLock

from tests.running import ROOT, Site, prepared
from tests.site.moving import FILES, FILL, NEXT_USER, dump, files, use

pytestmark = pytest.mark.proof


def prepared_site(new_site: Callable[..., Site]) -> Site:
    """A site as its first start leaves it, which is not started."""
    site = new_site(UPLOADS_ACCEPT="any")
    shutil.copytree(prepared(), site.data_dir)
    return site


def test_everything_arrives_there_and_back(
    new_site: Callable[..., Site], postgres_url: str
) -> None:
    """Every model of every app, compared as Django reads it; and the files change hands."""
    site = prepared_site(new_site)
    before = dump(site, FILES.format(count=12) + FILL)
    assert all(count for count, _ in before.values())
    moved = site.manage("move_database", "--to", postgres_url)
    assert "Set DATABASE_URL to" in moved.stdout
    # The old database, used by mistake, is a stranger to the files.
    said = site.manage("cleanup_uploads", check=False)
    assert "belongs to another database" in said.stderr
    assert files(site) == 12

    use(site, postgres_url)
    assert dump(site) == before
    now = dump(site, NEXT_USER + FILES.format(count=1))
    back = site.manage("move_database", "--to", "sqlite", check=False)
    assert "not empty" in back.stderr
    assert "--replace" in back.stderr
    site.manage("move_database", "--to", "sqlite", "--replace")
    use(site)
    assert dump(site) == now
    assert files(site) == 13


def test_what_postgresql_cannot_keep_is_replaced_and_named(
    new_site: Callable[..., Site], postgres_url: str
) -> None:
    """NUL in texts and in JSON; a value that is too long is named and moves nothing."""
    site = prepared_site(new_site)
    site.shell(
        f"{FILES.format(count=0)}\n"
        "from uploads.models import CleanupRun\n"
        "Upload.objects.create(file_name='a\\0b')\n"
        "CleanupRun.objects.create(trigger='staff', details=['\\0', {'\\ud800': 1}])\n"
        "Upload.objects.create(file_name='long', client_address='x' * 65)"
    )
    said = site.manage("move_database", "--to", postgres_url, check=False)
    assert "uploads_upload" in said.stderr
    assert "too long" in said.stderr
    site.shell(
        "from uploads.models import Upload\n"
        "Upload.objects.filter(file_name='long').update(client_address='x' * 64)"
    )
    said = site.manage("move_database", "--to", postgres_url)
    assert "U+FFFD in file_name" in said.stdout
    use(site, postgres_url)
    kept = site.shell(
        "from uploads.models import CleanupRun, Upload\n"
        "print(ascii([*Upload.objects.order_by('file_name').values_list('file_name'),"
        " *CleanupRun.objects.values_list('details')]))"
    )
    assert kept.strip() == r"[('a\ufffdb',), ('long',), (['\ufffd', {'\ufffd': 1}],)]"


def test_it_refuses_what_would_lose_something(
    new_site: Callable[..., Site], postgres_url: str
) -> None:
    """While a site runs, onto itself, without its store, into a database of something else."""
    site = prepared_site(new_site)
    site.shell(FILES.format(count=1))

    def refusal(*arguments: str) -> str:
        done = site.manage("move_database", *arguments, check=False)
        assert done.returncode == 1, done.stdout
        return done.stderr

    with FileLock(site.data_dir / "serve.lock"):
        assert "A site is running" in refusal("--to", postgres_url)
    assert "database in use" in refusal("--to", "sqlite")
    assert "is not a database address" in refusal("--to", "nonsense")
    uploads = site.data_dir / "uploads"
    uploads.rename(site.data_dir / "aside")
    assert "is unavailable" in refusal("--to", postgres_url)
    uploads.rmdir()
    (site.data_dir / "aside").rename(uploads)
    with psycopg.connect(postgres_url.replace("postgres:", "postgresql:")) as connection:
        connection.execute("CREATE TABLE cellar (wine text)")
    assert "another program (cellar)" in refusal("--to", postgres_url)


def test_a_living_database_is_not_taken_for_an_interrupted_move(
    new_site: Callable[..., Site], postgres_url: str
) -> None:
    """Not one that could not be joined with its store either. What was interrupted is repeated."""
    site = prepared_site(new_site)
    site.shell(FILES.format(count=1))
    use(site, postgres_url)
    site.manage("migrate", "-v0")
    site.shell(
        "from uploads.models import *; Upload.objects.create(); StoreIdentity.objects.create()"
    )
    use(site)
    move = ("move_database", "--to", postgres_url)
    assert "not empty" in site.manage(*move, check=False).stderr
    site.shell(FAIL_TO_TELL.format(url=postgres_url))
    site.manage(*move)
    use(site, postgres_url)
    site.manage("cleanup_uploads")  # it succeeds, as the store is its own
    assert files(site) == 1


FAIL_TO_TELL = """
from django.core.management import CommandError, call_command
from whisperx_site.moving import move
def fail(using):
    raise PermissionError(13, "no")
move.join_store = fail
try:
    call_command("move_database", "--to", "{url}", "--replace")
except CommandError as said:
    assert "be joined to the new database" in str(said), said
else:
    raise AssertionError("it has not failed")
"""


def test_a_move_that_is_killed_is_repeated(
    new_site: Callable[..., Site], postgres_url: str, tmp_path: Path
) -> None:
    """SIGKILL while rows are copied, and between the commit and the store's new identity."""
    site = prepared_site(new_site)
    site.shell(FILL)
    site.shell(FILES.format(count=12))
    site.shell(
        "from uploads.models import Upload\n"
        "Upload.objects.bulk_create("
        "Upload(length=n, state='expired', has_bytes=False) for n in range(20_000))"
    )
    before = dump(site)
    first = killed_at(site, postgres_url, "django_q_ormq: ")
    assert "uploads_upload" not in first
    last = "Comparing all rows"
    for _ in range(2):
        killed_at(site, postgres_url, last)
    site.shell(KILL_BEFORE_JOINED.format(url=postgres_url))
    assert dump(site) == before
    assert "belongs to another" not in site.manage("cleanup_uploads", "--dry-run").stderr
    use(site, postgres_url)
    assert "belongs to another" in site.manage("cleanup_uploads", check=False).stderr
    use(site)
    before = dump(site)
    site.manage("move_database", "--to", postgres_url)
    use(site, postgres_url)
    assert dump(site) == before
    assert files(site) == 12


# The process ends when the target is complete and the store still belongs to the source.
KILL_BEFORE_JOINED = """
import subprocess, sys
code = '''
import os
from django.core.management import call_command
from whisperx_site.moving import move
move.join_store = lambda using: os._exit(9)
call_command("move_database", "--to", "{url}")
'''
done = subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", code])
assert done.returncode == 9, done
"""


def killed_at(site: Site, url: str, line: str) -> str:
    """Start a move, kill it when it says this, and return what it had said."""
    process = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "move_database", "--to", url],
        cwd=ROOT,
        env=site.full_environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    said = ""
    for found in process.stdout:
        said += found
        if found.startswith(line):
            os.kill(process.pid, signal.SIGKILL)
            break
    assert process.wait(60) == -signal.SIGKILL, said
    return said

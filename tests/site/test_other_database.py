"""A site that is started on another database than its files belong to; backup and restore.

The commands of README and docs/operations.md are run as they stand there.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import readme
from tests.running import Site, wait_for

pytestmark = pytest.mark.proof
COUNT = 20
START_IS_CLEAN = """
from uploads.models import CleanupRun
print(CleanupRun.objects.filter(trigger="start", ended__isnull=False).count())
"""
STATES = """
import json
from uploads.models import Upload
rows = Upload.objects.all()
print(json.dumps([[row.id.hex, row.state, bool(row.lost), row.offset] for row in rows]))
"""


def upload(site: Site, number: int, share: float = 1) -> tuple[str, bytes]:
    """An upload of its own content, or some of it; its path and all of its bytes."""
    data = f"{number} of many ".encode() * 1000
    address = site.create(len(data), {"filename": f"{number}.bin"})
    assert site.patch(address, 0, data[: int(share * len(data))]).status_code == 204
    return address.removeprefix(site.url), data


def grow_old(site: Site) -> None:
    """Two days: beyond the hour in which a file may be that of a request at work."""
    for file in site.data_dir.glob("uploads/??/*"):
        os.utime(file, (time.time() - 2 * 86400,) * 2)


def cleanups_of_starts(site: Site) -> int:
    return int(site.shell(START_IS_CLEAN))


def restarted(site: Site, **environment: str) -> None:
    """Start it, and wait for the cleanup that each start does."""
    site.environment.update(environment)
    site.start(wait=False)
    wait_for(lambda: site.process is None or listens(site), 90, what="the web server")
    site.shell("")
    wait_for(lambda: cleanups_of_starts(site), 60, 0.5, "the cleanup of the start")


def listens(site: Site) -> bool:
    try:
        return bool(site.http.get(f"{site.url}/health/live", timeout=5).ok)
    except OSError:
        return False


def content(site: Site, path: str) -> bytes:
    answer = site.http.get(site.url + path, timeout=30)
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
    return answer.content


@pytest.mark.parametrize("made", ["with this version", "before this version"])
def test_an_empty_database_and_back(
    new_site: Callable[..., Site], postgres_url: str, made: str
) -> None:
    """B1, shown by 2: 20 uploads, two days old; an empty PostgreSQL; back: 20 whole downloads."""
    site = new_site(UPLOADS_ACCEPT="any").start()
    uploads = dict(upload(site, number) for number in range(COUNT))
    site.stop()
    grow_old(site)
    if made == "before this version":
        site.manage("migrate", "uploads", "0004")
        (site.data_dir / "uploads" / "store_id").unlink()
        (site.data_dir / "uploads" / "00").mkdir(exist_ok=True)
    restarted(site, DATABASE_URL=postgres_url)
    said = site.manage("cleanup_uploads", check=False)
    assert "upload store" in said.stderr
    answer = site.post(5, {"filename": "x.bin"})
    assert answer.status_code == 503
    assert "upload store" in answer.text
    assert "join_store" in site.manage("doctor", check=False).stdout
    assert "manage.py join_store" in site.log.read_text()
    site.stop()
    restarted(site, DATABASE_URL="")
    assert "upload store belongs" not in site.manage("cleanup_uploads").stderr
    for path, data in uploads.items():
        assert content(site, path) == data
    upload(site, COUNT)


def test_the_readme_moves_a_site_to_postgresql(
    new_site: Callable[..., Site], postgres_url: str
) -> None:
    """Shown by 5: the block that the documents have for it."""
    site = new_site(UPLOADS_ACCEPT="any").start()
    uploads = dict(upload(site, number) for number in range(3))
    path, data = upload(site, 4, share=0.5)
    site.stop()
    grow_old(site)
    code = readme.block("move_database")
    said = readme.run(
        code, site.full_environment, url=f"postgres://user:password@host/name|{postgres_url}"
    )
    assert "compared each" in said
    restarted(site, DATABASE_URL=postgres_url)
    half = len(data) // 2
    assert site.offset(site.url + path) == half
    assert site.patch(site.url + path, half, data[half:]).status_code == 204
    for known, whole in {**uploads, path: data}.items():
        assert content(site, known) == whole
    upload(site, 5)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("what", ["both", "database alone", "uploads alone"])
def test_the_readme_restores_a_backup(
    new_site: Callable[..., Site],
    postgres_url: str,
    tmp_path: Path,
    database: str,
    what: str,
) -> None:
    """Beside a newer or an older folder each row tells the truth afterwards."""
    url = postgres_url if database == "postgresql" else ""
    site = new_site(UPLOADS_ACCEPT="any", DATABASE_URL=url).start()
    before = dict(upload(site, number) for number in range(3))
    growing, data = upload(site, 3, share=0.25)
    words = places(site, tmp_path / "backup", url)
    readme.run(readme.block(BACK_UP[database]), site.full_environment, **words)
    after = dict(upload(site, number) for number in range(4, 19))
    removed = next(iter(before))
    assert site.http.delete(site.url + removed, timeout=30).status_code == 204
    quarter, half = len(data) // 4, len(data) // 2
    assert site.patch(site.url + growing, quarter, data[quarter:half]).status_code == 204
    site.stop()

    uploads, aside = site.data_dir / "uploads", tmp_path / "aside"
    if what == "uploads alone":
        shutil.rmtree(uploads)
        shutil.copytree(tmp_path / "backup" / "uploads", uploads)
    else:
        shutil.copytree(uploads, aside)
        readme.run(readme.block(RESTORE[database]), site.full_environment, **words)
        if what == "database alone":
            shutil.rmtree(uploads)
            aside.rename(uploads)
    grow_old(site)
    quiet(site)
    restarted(site)
    site.manage("cleanup_uploads")
    states = {name: rest for name, *rest in rows(site)}
    kept = [path for path in before if path != removed]
    if what == "uploads alone":
        for path in after:
            assert states[identifier(path)][:2] == ["finished", True]
            assert site.http.get(site.url + path, timeout=30).status_code == 410
        assert identifier(removed) in states  # it had ended, and is no upload any more
        assert site.http.get(site.url + removed, timeout=30).status_code == 404
    else:
        gone = {"both": False, "database alone": True}[what]
        assert states[identifier(removed)][:2] == ["finished", gone]
        assert set(states) == {identifier(path) for path in (*before, growing)}
    for path in kept:
        assert states[identifier(path)][:2] == ["finished", False]
        assert content(site, path) == before[path]
    stands = half if what == "database alone" else quarter
    assert site.offset(site.url + growing) == stands
    assert site.patch(site.url + growing, stands, data[stands:]).status_code == 204
    assert content(site, growing) == data
    names = {file.name for file in uploads.glob("??/*") if file.suffix != ".fence"}
    strangers = {identifier(path) for path in after}
    assert strangers & names == (strangers if what == "database alone" else set())


BACK_UP = {"sqlite": ".backup(", "postgresql": "pg_dump"}
RESTORE = {"sqlite": 'rm -rf "$DATA_DIR"/db.sqlite3*', "postgresql": "pg_restore"}


def places(site: Site, backup: Path, url: str) -> dict[str, str]:
    """A test's folders and database in place of README's."""
    words = {
        "data": f"/srv/transcripts/data|{site.data_dir}",
        "backup": f"/srv/backup/today|{backup}",
    }
    return {**words, "url": f"postgres://user:password@host/name|{url}"} if url else words


def quiet(site: Site) -> None:
    """As if nothing had been sent for some minutes."""
    site.shell(
        "from datetime import timedelta\n"
        "from django.utils import timezone\n"
        "from uploads.models import Upload\n"
        "Upload.objects.update(last_activity=timezone.now() - timedelta(minutes=5))"
    )


def rows(site: Site) -> Any:
    import json

    return json.loads(site.shell(STATES))


def identifier(path: str) -> str:
    return path.rpartition("/")[2]

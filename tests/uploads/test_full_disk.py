"""One disk that holds database and uploads, without a byte or an inode left: it can be freed
through the product, and whoever is refused hears that the disk is full."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.running import PASSWORD, wait_for
from tests.uploads.conftest import created, head, patch
from tests.uploads.small_disk import MIB, SmallDisk, mounting
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.test_staff import Office
from tests.uploads.wire import TUS, ask, identifier


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    mounting()
    folder = tmp_path_factory.mktemp("disk") / "data"
    options = {
        "UPLOADS_ACCEPT": "any",
        "UPLOADS_MIN_FREE_SPACE": "0",
        "WORKER_STALL_TIMEOUT": "300",
    }
    made = SmallDisk(folder, "size=96m,nr_inodes=2000", **options)
    try:
        made.site.start()
        yield made
    finally:
        made.end()


SQL = """
import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
print(json.dumps(database.execute(sys.argv[2], sys.argv[3:]).fetchall()))
"""


def sql(disk: SmallDisk, statement: str, *values: str) -> Any:
    """Ask the site's database, or change something there."""
    file = f"{disk.site.environment['DATA_DIR']}/db.sqlite3"
    command = [*disk.site.prefix, sys.executable, "-c", SQL, file, statement, *values]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def uploaded(disk: SmallDisk, size: int = MIB, overdue: bool = False) -> str:
    """An unfinished upload that holds so many bytes."""
    path = created(disk.site, size + 1)
    if size:
        assert patch(disk.site, path, 0, bytes(size)).status == 204
    if overdue:
        then = "2026-01-01 00:00:00"
        sql(disk, "UPDATE uploads_upload SET expires = ? WHERE id = ?", then, identifier(path))
    return path


def with_ballast(disk: SmallDisk) -> None:
    """As a start with room leaves it."""
    folder = disk.site.data_dir / "ballast"
    folder.mkdir(exist_ok=True)
    for number in range(16):
        with (folder / str(number)).open("wb") as piece:
            os.posix_fallocate(piece.fileno(), 0, MIB)


def without_ballast(disk: SmallDisk) -> None:
    """As if all of it had been let go before."""
    shutil.rmtree(disk.site.data_dir / "ballast", ignore_errors=True)


def test_delete_frees_a_full_disk(disk: SmallDisk) -> None:
    """DELETE, with and without anything kept back for this moment: bytes go before the row."""
    kept_back, not_kept_back = uploaded(disk), uploaded(disk)
    with disk.full():
        for path in (kept_back, not_kept_back):
            disk.fill(disk.site.data_dir / "filler")
            assert ask(disk.site, "DELETE", path, TUS).status == 204
            assert bytes_on_disk(disk.site, path) == []
            assert head(disk.site, path).status == 404
            assert disk.free > MIB // 2
            without_ballast(disk)


def test_delete_that_cannot_be_written_down_tells_the_truth(disk: SmallDisk) -> None:
    """Nothing kept back and nothing to gain: 507 says why; what is gone is not offered."""
    path = uploaded(disk, 0)
    with disk.full():
        without_ballast(disk)
        disk.fill(disk.site.data_dir / "filler")
        answer = ask(disk.site, "DELETE", path, TUS)
        assert (answer.status, bytes_on_disk(disk.site, path)) == (507, [])
        assert "disk is full" in json.loads(answer.body)["detail"]
        assert head(disk.site, path).status == 410
    assert ask(disk.site, "DELETE", path, TUS).status == 204


def test_delete_frees_a_disk_without_inodes(disk: SmallDisk) -> None:
    """To remove a file, none is made; whether or not anything was written to it."""
    paths = [uploaded(disk, 0), uploaded(disk)]
    without_ballast(disk)
    with disk.without_inodes():
        for path in paths:
            assert ask(disk.site, "DELETE", path, TUS).status == 204
            assert bytes_on_disk(disk.site, path) == []


HOUSE = """
from whisperx_site.processes.services import keep_house
keep_house()
print("it goes on")
"""


def test_what_is_kept_back_but_cannot_be_let_go_stops_nothing(disk: SmallDisk) -> None:
    """A folder that is not the site's any more, a disk that fails: DELETE and supervisor go on."""
    path = uploaded(disk)
    without_ballast(disk)
    folder = disk.site.data_dir / "ballast"
    folder.touch()
    sql(disk, "UPDATE django_q_schedule SET next_run = '2026-01-01' WHERE func LIKE '%cleanup'")
    try:
        with disk.full():
            assert "it goes on" in disk.site.shell(HOUSE)
            assert ask(disk.site, "DELETE", path, TUS).status == 204
            assert bytes_on_disk(disk.site, path) == []
    finally:
        folder.unlink()


def test_nothing_is_kept_back_where_inodes_are_short(disk: SmallDisk) -> None:
    """It would be let go at once, and made again, and so on."""
    without_ballast(disk)
    with disk.without_inodes():
        for number in range(30):
            (disk.site.data_dir / "many" / str(number)).unlink()
        assert "it goes on" in disk.site.shell(HOUSE)
        assert list(disk.site.data_dir.glob("ballast/*")) == []


@pytest.mark.parametrize("kept_back", [True, pytest.param(False, marks=pytest.mark.proof)])
def test_the_cleanup_command_frees_a_full_disk(disk: SmallDisk, kept_back: bool) -> None:
    """It ends well, and its record tells what it did."""
    with_ballast(disk)
    path = uploaded(disk, overdue=True)
    empty = uploaded(disk, 0, overdue=True) if kept_back else ""  # what gives no room needs some
    with disk.full():
        if not kept_back:
            without_ballast(disk)
            disk.fill(disk.site.data_dir / "filler")
        done = disk.site.manage("cleanup_uploads", check=False)
        assert (done.returncode, "database" in done.stderr) == (0, False), done.stderr
        assert "2 uploads were expired" in done.stdout or not kept_back
        assert bytes_on_disk(disk.site, path) == []
        assert head(disk.site, path).status == 410
    [[freed]] = sql(disk, "SELECT bytes_freed FROM uploads_cleanuprun ORDER BY id DESC LIMIT 1")
    assert freed == MIB
    state = "SELECT state FROM uploads_upload WHERE id = ?"
    assert sql(disk, state, identifier(path)) == [["expired"]]
    if kept_back:
        assert sql(disk, state, identifier(empty)) == [["expired"]]


def test_staff_sign_in_and_free_a_full_disk(disk: SmallDisk) -> None:
    """A session, a login and an action need the database to write."""
    with_ballast(disk)
    path = uploaded(disk)
    with disk.full():
        office = Office(disk.site, "admin")
        assert "1 terminated" in office.act("terminate", path).text
        assert bytes_on_disk(disk.site, path) == []


def test_strangers_do_not_use_up_what_is_kept_back_for_staff(disk: SmallDisk) -> None:
    """A form of the admin without a session."""
    with_ballast(disk)
    with disk.full():
        for path in ("/admin/", "/admin/uploads/upload/"):
            form = {"action": "terminate"}
            requests.post(f"{disk.site.url}{path}", form, allow_redirects=False, timeout=30)
        assert len(list(disk.site.data_dir.glob("ballast/[0-9]*"))) == 16


def test_pages_say_that_the_disk_is_full(disk: SmallDisk) -> None:
    """507 and a sentence, in place of 500."""
    office = Office(disk.site, "admin")
    form = {"username": "newcomer", "password1": PASSWORD, "password2": PASSWORD}
    with disk.full():
        without_ballast(disk)
        disk.fill(disk.site.data_dir / "filler")
        page = office.post("/admin/auth/user/add/", form, page="/admin/auth/user/add/")
        assert page.status_code == 507
        assert "disk is full" in page.text
    assert re.search(r"WARNING .*the disk is full", disk.site.log.read_text())
    assert "Traceback" not in disk.site.log.read_text().rpartition("/admin/auth/user/add/")[2]


@pytest.mark.proof
def test_the_scheduled_cleanup_frees_a_full_disk(disk: SmallDisk) -> None:
    """Though the queue cannot write down that it takes it."""
    with_ballast(disk)
    path = uploaded(disk, overdue=True)
    due = "UPDATE django_q_schedule SET next_run = '2026-01-01' WHERE name = 'uploads: cleanup'"
    sql(disk, due)
    with disk.full():
        wait_for(lambda: bytes_on_disk(disk.site, path) == [], 120, 1)


def test_what_is_kept_back_is_kept_again(disk: SmallDisk) -> None:
    """By the next cleanup that finds room."""
    pieces = disk.site.data_dir / "ballast"
    without_ballast(disk)
    disk.site.manage("cleanup_uploads")
    assert sum(piece.stat().st_blocks * 512 for piece in pieces.iterdir()) == 16 * MIB


@pytest.mark.proof
def test_a_site_starts_on_a_full_disk(disk: SmallDisk) -> None:
    """And serves what frees it."""
    with_ballast(disk)
    path = uploaded(disk)
    disk.site.stop()
    with disk.full():
        disk.site.start()
        assert ask(disk.site, "DELETE", path, TUS).status == 204


@pytest.mark.proof
def test_a_site_that_cannot_start_says_that_the_disk_is_full(disk: SmallDisk) -> None:
    """Where nothing is left that was kept back for that; it does not blame the database."""
    disk.site.stop()
    with disk.full():
        without_ballast(disk)
        disk.fill(disk.site.data_dir / "filler")
        started = disk.site.manage("serve", check=False)
        assert started.returncode == 1
        assert "is full" in started.stderr and "database" not in started.stderr.lower()
    disk.site.start()


class Filling:
    """Uploads that together are promised more than there is."""

    SIZE = 40 * MIB

    def __init__(self, disk: SmallDisk) -> None:
        self.disk = disk
        self.paths = [created(disk.site, self.SIZE) for _ in range(6)]

    def send(self, path: str) -> int:
        offset = head(self.disk.site, path).offset
        try:
            return patch(self.disk.site, path, offset, bytes(self.SIZE - offset)).status
        except (BrokenPipeError, ConnectionResetError):
            return 507  # some servers end the connection once the refusal is out


@pytest.mark.proof
@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_promised_uploads_leave_the_spare_disk(tmp_path: Path, server: str) -> None:
    """UPLOADS_MIN_FREE_SPACE holds while bytes come in; what came is kept, and goes on later."""
    mounting()
    spare = {"UPLOADS_MIN_FREE_SPACE": str(40 * MIB), "UPLOADS_ACCEPT": "any"}
    disk = SmallDisk(tmp_path / "data", "size=160m", WEB_SERVER=server, **spare)
    try:
        disk.site.start()
        filling = Filling(disk)
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(filling.send, filling.paths))
        assert 507 in statuses and set(statuses) <= {204, 507}
        assert disk.free >= 38 * MIB  # a piece of each may have been on its way
        held = {path: head(disk.site, path).offset for path in filling.paths}
        assert sum(held.values()) > 40 * MIB
        form = disk.site.http.post(
            f"{disk.site.url}/speech-to-text", files={"file": ("a.wav", bytes(8 * MIB))}, timeout=60
        )
        assert (form.status_code, "disk" in form.text) == (507, True), form.text
        *others, last = sorted(filling.paths, key=held.__getitem__)
        for path in others:
            assert ask(disk.site, "DELETE", path, TUS).status == 204
        assert filling.send(last) == 204
        assert head(disk.site, last).offset == filling.SIZE
    finally:
        disk.end()

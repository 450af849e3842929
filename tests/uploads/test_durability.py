"""UPLOADS_DURABILITY=power: what is acknowledged has reached the disk before, in good order."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import Site, wait_for
from tests.uploads.conftest import ROOT, created, head
from tests.uploads.outages import web_processes
from tests.uploads.wire import DATA, TUS, Wire, ask, identifier
from uploads.stores.disk import DiskStore

NAME = "0123456789abcdef"


class Journal:
    """What happens to the files of a store, in its order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.events: list[str] = []
        for call in ("fsync", "write", "pwrite", "ftruncate"):
            told = call.removeprefix("p")
            monkeypatch.setattr(os, call, self.noting(told, getattr(os, call)))

    def noting(self, call: str, real: Callable[..., object]) -> Callable[..., object]:
        def noted(descriptor: int, *arguments: object) -> object:
            result = real(descriptor, *arguments)
            self.events.append(f"{call} {self.name_of(descriptor)}")
            return result

        return noted

    def name_of(self, descriptor: int) -> str:
        number = os.fstat(descriptor).st_ino
        for path in (self.folder, *self.folder.rglob("*")):
            if path.stat().st_ino == number:
                name = str(path.relative_to(self.folder))
                return name.replace(f"{NAME[:2]}/{NAME}", "file")
        return "?"

    def since(self) -> list[str]:
        """Events since the last question."""
        told, self.events = self.events, []
        return told


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    return Journal(tmp_path, monkeypatch)


def test_the_order_of_syncs(tmp_path: Path, journal: Journal) -> None:
    store = DiskStore(str(tmp_path), durable=True)
    store.identify("of a test")
    assert journal.since()[-1] == "fsync ."
    store.create(NAME)
    assert journal.since() == ["fsync .", "fsync file", f"fsync {NAME[:2]}"]
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abc")
    journal.since()
    writing.secure()
    assert journal.since() == ["fsync file", "fsync file.fence"]
    writing.end()
    journal.since()
    assert store.fence_and_get_offset(NAME) == 3
    assert journal.since() == ["fsync file", "fsync file.fence"]
    store.secure(NAME)
    assert journal.since() == ["fsync file", "fsync file.fence"]


def test_the_order_of_syncs_where_bytes_are_tentative(tmp_path: Path, journal: Journal) -> None:
    """The disk never has bytes that it does not know to be tentative, nor less than it accepted."""
    store = DiskStore(str(tmp_path), durable=True)
    store.identify("of a test")
    store.create(NAME)
    journal.since()
    writing = store.acquire_writer(NAME, 0, tentative=True)
    assert journal.since() == ["write file.fence", "fsync file.fence", f"fsync {NAME[:2]}"]
    writing.write(b"abc")
    writing.accept()
    writing.secure()
    assert journal.since() == [
        *("write file", "fsync file", "write file.fence"),
        *("fsync file", "fsync file.fence"),
    ]


def test_nobody_waits_for_the_disk_who_need_not(tmp_path: Path, journal: Journal) -> None:
    store = DiskStore(str(tmp_path))
    store.identify("of a test")
    journal.since()
    store.create(NAME)
    writing = store.acquire_writer(NAME, 0, tentative=True)
    writing.write(b"abc")
    writing.accept()
    writing.secure()
    writing.end()
    store.fence_and_get_offset(NAME)
    store.secure(NAME)
    assert not [event for event in journal.since() if event.startswith("fsync")]


class Watched:
    """A site that writes down what it has synced; each sync takes a while."""

    def __init__(self, site: Site, log: Path) -> None:
        self.site = site
        self.log = log
        self.seen = 0

    def synced(self) -> set[tuple[int, int]]:
        """Inode and size of what has been synced since the last question."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        fresh, self.seen = lines[self.seen :], len(lines)
        return {(int(line.split()[0]), int(line.split()[1])) for line in fresh}

    def file(self, path: str) -> Path:
        digits = identifier(path)
        return self.site.data_dir / "uploads" / digits[:2] / digits

    def has(self, path: str, size: int) -> bool:
        """Whether the file has been synced with so many bytes since the last question."""
        return (self.file(path).stat().st_ino, size) in self.synced()


@pytest.fixture
def watched(new_site: Callable[..., Site], tmp_path: Path) -> Watched:
    log = tmp_path / "syncs"
    site = new_site(
        UPLOADS_ACCEPT="any",
        UPLOADS_DURABILITY="power",
        UPLOADS_STORE="tests.uploads.syncs.TellingStore",
        SYNC_LOG=str(log),
    )
    return Watched(site.start(), log)


def patching(offset: int, data: bytes, **headers: str) -> dict[str, str]:
    length = {"Content-Length": str(len(data))}
    return {**DATA, "Upload-Offset": str(offset), **length, **headers}


@pytest.mark.proof
def test_answers_wait_for_the_disk(watched: Watched) -> None:
    """Read right after the answer, what has been synced holds all that the answer tells."""
    site = watched.site
    path = created(site, 1000)
    done = {inode for inode, _ in watched.synced()}
    file = watched.file(path)
    assert {file.stat().st_ino, file.parent.stat().st_ino} <= done

    assert ask(site, "PATCH", path, patching(0, bytes(400)), bytes(400)).status == 204
    assert watched.has(path, 400)
    digest = base64.b64encode(hashlib.sha1(bytes(200)).digest()).decode()
    checked = patching(400, bytes(200), **{"Upload-Checksum": f"sha1 {digest}"})
    assert ask(site, "PATCH", path, checked, bytes(200)).status == 204
    assert watched.has(path, 600)

    with Wire(site) as wire:  # a process dies that had written and not synced: HEAD makes it good
        wire.head("PATCH", path, patching(600, bytes(400)))
        wire.send(bytes(300))
        wait_for(lambda: file.stat().st_size == 900, 10, 0.01)
        for process in web_processes(site)[1:]:
            process.kill()
    wait_for(site.answers, 20)
    watched.synced()
    assert head(site, path).offset == 900
    assert watched.has(path, 900)
    assert ask(site, "PATCH", path, patching(900, bytes(100)), bytes(100)).status == 204
    assert watched.has(path, 1000)

    path = created(site, 1000)
    assert ask(site, "PATCH", path, patching(0, bytes(400)), bytes(400)).status == 204
    fails = watched.log.with_suffix(".fails")
    fails.touch()
    for data in (bytes(200), bytes(600)):
        answer = ask(site, "PATCH", path, patching(400, data), data)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    fails.unlink()
    assert head(site, path).offset == 400  # what the disk has not taken is in doubt, so let go

    parts = [created(site, 500, **{"Upload-Concat": "partial"}) for _ in range(2)]
    for part in parts:
        assert ask(site, "PATCH", part, patching(0, bytes(500)), bytes(500)).status == 204
    watched.synced()
    whole = ask(site, "POST", ROOT, {**TUS, "Upload-Concat": f"final;{' '.join(parts)}"})
    assert whole.status == 201
    assert watched.has(str(whole.headers["Location"]), 1000)

    code = "from django.db import connection\nwith connection.cursor() as cursor:\n"
    code += "    print(cursor.execute('PRAGMA synchronous').fetchone())"
    assert site.shell(code).strip() == "(2,)"  # FULL

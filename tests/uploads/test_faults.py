"""Disks that fill up, take no writes or are away, databases that are locked or away: a clear
answer, nothing acknowledged that is not held, and uploads that complete when the fault is gone.

FAULT_ROUNDS says how often each fault of a disk comes (3 by default), TEST_SEED repeats a run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing

import pytest

from tests.running import Site
from tests.seed import SEED
from tests.uploads.conftest import created, head
from tests.uploads.endurance import EVERYTHING, STREAMS, WRITES, Household, Kept
from tests.uploads.outages import LimitedDisk, OwnDisks, Relay, can_mount, locked_database
from tests.uploads.wire import TUS, ask

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
READS = frozenset(("head", "get"))
POST = frozenset(("post",))
DELETE = frozenset(("delete",))


def limited(disk: LimitedDisk) -> Household:
    """Clients whose uploads are larger than the site's files may become."""
    return Household(disk.site, lambda: disk.store, LimitedDisk.LARGEST + 1_500_000, SEED)


def test_a_disk_that_fills_up_and_one_that_is_away(sqlite_site: Site) -> None:
    disk = LimitedDisk(sqlite_site)
    people = limited(disk)
    people.live_through(disk.full, WRITES | STREAMS, full=True)
    people.live_through(disk.away, WRITES | READS | POST)
    print(people.summary())


def test_who_is_told_of_a_fault_has_ended_nothing(sqlite_site: Site) -> None:
    """DELETE whose last word to the database fails: the upload has ended, and that is said."""
    path = created(sqlite_site, 10)
    with closing(sqlite3.connect(sqlite_site.data_dir / "db.sqlite3")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE OF has_bytes ON uploads_upload "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        try:
            assert ask(sqlite_site, "DELETE", path, TUS).status == 204
        finally:
            database.execute("DROP TRIGGER full")
    assert head(sqlite_site, path).status == 404


@pytest.mark.proof
@pytest.mark.parametrize("way", ["limits and permissions", *["mounts"] * can_mount()])
def test_faults_of_disks_again_and_again(new_site: Callable[..., Site], way: str) -> None:
    """Limits and permissions in any container; disks of the site's own where we may mount some."""
    site = new_site(UPLOADS_ACCEPT="any", UPLOADS_MIN_FREE_SPACE="0")
    people = by_mounts(site) if way == "mounts" else by_limits(site)
    print(f"{way}: {people.summary()}")


def by_mounts(site: Site) -> Household:
    disks = OwnDisks(site, SEED)
    site.start()
    people = Household(site, lambda: disks.store, 1_500_000, SEED)
    for _ in range(ROUNDS):
        people.live_through(disks.full, WRITES | STREAMS | POST, full=True)
        people.live_through(disks.all_full, WRITES | STREAMS | POST | DELETE, full=True)
        people.live_through(disks.read_only, WRITES | POST, cut=True)
        people.live_through(disks.away, WRITES | READS | POST)
    return people


def by_limits(site: Site) -> Household:
    disk = LimitedDisk(site)
    disk.give_up_power()
    site.start()
    people = limited(disk)
    for _ in range(ROUNDS):
        people.live_through(disk.full, WRITES | STREAMS, full=True)
        people.live_through(disk.read_only, WRITES | POST)
        people.live_through(disk.away, WRITES | READS | POST)
    return people


@pytest.mark.proof
def test_a_locked_database(new_site: Callable[..., Site]) -> None:
    """Who writes waits, and is refused; who reads does not wait behind them."""
    site = new_site(UPLOADS_ACCEPT="any").start()
    people = Household(site, lambda: site.data_dir / "uploads", 1_500_000, SEED)

    def locked() -> AbstractContextManager[None]:
        return locked_database(site)

    people.live_through(locked, EVERYTHING - READS)
    print(f"locked database: {people.summary()}")


@pytest.mark.proof
def test_a_database_that_is_away(new_site: Callable[..., Site], postgres_url: str) -> None:
    relay = Relay(postgres_url)
    site = new_site(UPLOADS_ACCEPT="any", DATABASE_URL=relay.url).start()
    people = Household(site, lambda: site.data_dir / "uploads", 1_500_000, SEED)
    people.live_through(relay.away, EVERYTHING)
    site.stop()
    relay.cut()
    print(f"database away: {people.summary()}")


def age(site: Site) -> None:
    """Let all uploads look as if nobody had sent anything for some minutes."""
    site.shell(
        "from datetime import timedelta\n"
        "from django.utils import timezone\n"
        "from uploads.models import Upload\n"
        "Upload.objects.update(last_activity=timezone.now() - timedelta(minutes=5))"
    )


@pytest.mark.proof
def test_a_start_without_the_disk(new_site: Callable[..., Site]) -> None:
    """Nothing is taken for lost, nothing is put elsewhere; no start is needed when it is back."""
    site = new_site(UPLOADS_ACCEPT="any").start()
    store = site.data_dir / "uploads"
    people = Household(site, lambda: store, 300_000, SEED)
    kept, refused = people.grown(0.5), Kept(people.content(300_000))
    age(site)
    site.stop()
    aside = store.rename(store.with_name("aside"))
    site.start()
    cleaned = site.manage("cleanup_uploads", check=False)
    assert "is unavailable" in cleaned.stderr
    for kind, answer in (("post", people.post(refused)), ("head", people.head(kept))):
        people.judge(kind, answer, full=False)
    store.rmdir()  # empty still
    aside.rename(store)
    people.recover([kept])

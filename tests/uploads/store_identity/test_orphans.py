"""Files that no row knows: a few are removed, many wait for the consent of staff."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.uploads.store_identity.old_uploads import (
    LIST,
    RUNS,
    cleanup,
    finished,
    join_store,
    names,
    orphans,
)
from uploads.models import CleanupRun, State, Upload
from uploads.services.maintenance.cleanup import orphans_kept
from uploads.services.maintenance.store_identity import store_problem
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "known, unknown, are_kept",
    [(0, 11, True), (100, 10, False), (230, 11, False), (200, 11, True), (1, 10, False)],
)
def test_many_orphans_wait_for_consent(
    folder: Path, known: int, unknown: int, are_kept: bool
) -> None:
    """More than ten that are over 5 % of the files; fewer go as they always did."""
    Upload.objects.bulk_create(
        [Upload(state=State.FINISHED, length=6, notified_at=timezone.now()) for _ in range(known)]
    )
    assert store_problem() is None or known  # a new store, or rows without files
    join_store("--no-input")
    for upload in Upload.objects.all():
        (folder / upload.id.hex[:2]).mkdir(exist_ok=True)
        (folder / upload.id.hex[:2] / upload.id.hex).write_bytes(b"upload")
    strangers = orphans(folder, unknown)
    cleanup()
    run = CleanupRun.objects.latest("started")
    kept = names(folder) & strangers
    assert kept == (strangers if are_kept else set())
    assert run.orphans_kept == (unknown if are_kept else 0)
    assert run.orphans_kept_bytes == (6 * unknown if are_kept else 0)
    assert run.strays == (0 if are_kept else unknown)
    assert len(names(folder)) == known + len(kept)


def test_orphans_that_grow_old_one_by_one_are_kept_from_the_first(
    folder: Path, staff: Client
) -> None:
    """A restored database: the files that it does not know are of many ages."""
    finished(20)
    strangers = orphans(folder, 12)
    young = sorted(strangers)[2:]
    for name in young:
        os.utime(folder / name[:2] / name, (time.time() - 600,) * 2)
    cleanup()
    assert strangers < names(folder)
    assert CleanupRun.objects.latest("started").orphans_kept == 12
    page = staff.get(f"{RUNS}orphans").content.decode()
    assert "12 of 32 files" in page
    assert "Remove 2 files" in page
    cleanup("--remove-orphans", "--no-input")
    assert names(folder) & strangers == set(young)
    assert CleanupRun.objects.latest("started").orphans_kept == 10


def test_what_waits_for_consent_waits_however_the_site_grows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a cleanup forget it that finds the store away, or that fails to compare."""
    finished(1)
    strangers = orphans(folder, 12)
    cleanup()
    folder.rename(folder.with_name("aside"))
    cleanup()
    folder.with_name("aside").rename(folder)
    with monkeypatch.context() as patches:
        patches.setattr(
            type(store()), "entries", lambda *_: (_ for _ in ()).throw(OSError(5, "no"))
        )
        assert "compare" in cleanup()
    monkeypatch.setattr(
        "uploads.services.maintenance.inventory.KEPT_ABOVE_SHARE", 0.95
    )  # as if many were new
    cleanup()
    assert strangers < names(folder)
    cleanup("--remove-orphans", "--no-input")
    assert not strangers & names(folder)
    assert orphans_kept() is None


def test_staff_confirm_by_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(1)
    strangers = orphans(folder, 12)
    asked: list[str] = []

    def no(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("builtins.input", no)
    assert "Nothing was done." in cleanup("--remove-orphans")
    assert "12 files (72" in asked[0]
    assert strangers < names(folder)
    cleanup("--remove-orphans", "--no-input")
    assert len(names(folder)) == 1
    assert CleanupRun.objects.latest("started").strays == 12


def test_staff_confirm_in_the_admin(
    folder: Path, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages say so; the button removes as many as it named, and not more."""
    queued: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        "uploads.queues.django_q.async_task", lambda *said, **named: queued.append(said)
    )
    finished(1)
    orphans(folder, 12)
    cleanup()
    for page in (LIST, RUNS):
        assert "12 files (72" in staff.get(page).content.decode()
    page = staff.get(f"{RUNS}orphans").content.decode()
    assert "Remove 12 files, 72" in page
    assert staff.post(f"{RUNS}orphans", {"count": "12"}).status_code == 302
    orphans(folder, 1)
    run_queued(queued)
    assert len(names(folder)) == 14
    staff.post(f"{RUNS}orphans", {"count": "13"})
    run_queued(queued)
    assert len(names(folder)) == 1
    assert "belong to no upload" not in staff.get(LIST).content.decode()


def run_queued(queued: list[tuple[Any, ...]]) -> None:
    from uploads import tasks

    assert queued[-1][0] == "uploads.tasks.cleanup"
    tasks.cleanup(*queued[-1][1:])

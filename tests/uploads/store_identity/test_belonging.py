"""Store and database know each other: what does not belong together loses nothing by it.

Another database is one whose rows are not these: within one process they are taken away.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.uploads.store_identity.old_uploads import (
    LIST,
    RUNS,
    Nobody,
    cannot,
    cleanup,
    finished,
    forget_identity,
    grow_old,
    look_anew,
    names,
    orphans,
    refused,
    terminate_file,
)
from uploads.models import CleanupRun, State, StoreIdentity, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.maintenance.store_identity import (
    AWAY,
    FOREIGN,
    UNKNOWN_FILES,
    UNWRITABLE,
    store_problem,
)
from uploads.services.termination import terminate
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_site_joins_both_with_its_first_upload(folder: Path) -> None:
    create(CreationRequest(Nobody()), 5)
    row = StoreIdentity.objects.get()
    assert (folder / "store_id").read_text().strip() == row.identity.hex
    assert row.joined
    assert store_problem() is None


@pytest.mark.parametrize("step", ["row", "file"])
def test_a_crash_while_they_are_joined_heals_by_itself(
    folder: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the row was made, and after the store was told."""

    def killed(self: Any, identity: str) -> None:
        if step == "file":
            told(self, identity)
        raise KeyboardInterrupt

    told = type(store()).identify
    with monkeypatch.context() as patches:
        patches.setattr(type(store()), "identify", killed)
        with pytest.raises(KeyboardInterrupt):
            store_problem()
    assert not StoreIdentity.objects.get().joined
    assert store_problem() is None
    assert StoreIdentity.objects.get().joined
    create(CreationRequest(Nobody()), 5)


def test_a_site_of_before_gets_its_identity_by_itself(folder: Path) -> None:
    """More than half of what the database expects is there, whatever else is."""
    uploads = finished(5)
    strangers = orphans(folder, 30)
    forget_identity()
    (folder / "00").mkdir(exist_ok=True)  # as older versions wanted it
    terminate_file(folder, uploads[0])
    assert store_problem() is None
    assert StoreIdentity.objects.get().identity.hex == (folder / "store_id").read_text().strip()
    cleanup()
    assert strangers < names(folder)


def test_an_empty_database_beside_files_takes_nothing(folder: Path) -> None:
    """Another database, or a lost one. Nothing goes, and what is wrong is said."""
    finished(20)
    before = names(folder)
    Upload.objects.all().delete()
    forget_identity(of_store=False)
    assert store_problem() == FOREIGN
    assert FOREIGN.reason in cleanup()
    assert "another database" in refused()
    assert names(folder) == before
    assert not StoreIdentity.objects.exists()
    [run] = CleanupRun.objects.all()
    assert (run.strays, run.expired, run.errors) == (0, 0, [str(FOREIGN)])


def test_an_empty_database_beside_files_of_before_takes_nothing(folder: Path) -> None:
    finished(20)
    before = names(folder)
    Upload.objects.all().delete()
    forget_identity()
    assert UNKNOWN_FILES.reason in cleanup()
    assert names(folder) == before
    assert not (folder / "store_id").exists()
    refused()


def test_a_database_with_other_rows_takes_nothing_either(folder: Path) -> None:
    """An upload of each site, and no identity yet: the folder is not this database's."""
    finished(4)
    before = names(folder)
    Upload.objects.all().delete()
    [foreign, *_] = [Upload.objects.create(length=5) for _ in range(3)]
    forget_identity()
    grow_old()
    assert UNKNOWN_FILES.reason in cleanup()
    assert names(folder) == before
    assert Upload.objects.get(pk=foreign.pk).state == State.RECEIVING


def test_an_empty_store_of_an_abandoned_database_is_taken_over(folder: Path) -> None:
    """Who tries the site on SQLite and then names PostgreSQL has nothing to lose."""
    [upload] = finished(1)
    terminate(upload)
    Upload.objects.all().delete()
    forget_identity(of_store=False)
    create(CreationRequest(Nobody()), 5)
    assert StoreIdentity.objects.get().identity.hex == (folder / "store_id").read_text().strip()


def test_sentences_for_monitors_name_no_place(folder: Path) -> None:
    for problem in (AWAY, FOREIGN, UNKNOWN_FILES, UNWRITABLE):
        assert "/" not in problem.reason
        assert problem.reason.count(".") == 1


def test_a_few_strays_do_not_stop_a_site_of_before_that_holds_nothing(folder: Path) -> None:
    [upload] = finished(1)
    terminate(upload)
    orphans(folder, 10)
    forget_identity()
    assert store_problem() is None
    orphans(folder, 1)
    forget_identity()
    assert store_problem() == UNKNOWN_FILES


def test_what_is_no_upload_does_not_count_as_one(folder: Path) -> None:
    """A fence that is left alone, and a file by another name."""
    place = folder / "ab"
    place.mkdir(parents=True)
    (place / f"{'ab' * 16}.fence").touch()
    (place / "notes.txt").touch()
    assert store_problem() is None
    (place / ("ab" * 16)).touch()
    forget_identity()
    assert store_problem() == UNKNOWN_FILES


def test_files_are_not_gone_through_with_each_creation_that_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(1)
    Upload.objects.all().delete()
    forget_identity()
    refused()
    cannot(monkeypatch, "entries", AssertionError("looked again"))
    refused()
    assert store_problem(join=False) == UNKNOWN_FILES


def test_an_emptied_store_that_another_database_took_comes_back(folder: Path) -> None:
    """Neither side has anything to lose."""
    [upload] = finished(1)
    terminate(upload)
    (folder / "store_id").write_text(uuid.uuid4().hex)
    look_anew()
    create(CreationRequest(Nobody()), 5)
    assert StoreIdentity.objects.get().identity.hex == (folder / "store_id").read_text().strip()


def test_the_admin_says_what_is_wrong(folder: Path, staff: Client) -> None:
    finished(1)
    Upload.objects.all().delete()
    forget_identity(of_store=False)
    for page in (LIST, RUNS):
        text = staff.get(page).content.decode()
        assert FOREIGN.reason in text
        assert "join_store" in text
    assert FOREIGN.reason in staff.get(f"{RUNS}orphans").content.decode()


def test_a_creation_asks_neither_file_nor_database_each_time(
    folder: Path, django_assert_num_queries: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    create(CreationRequest(Nobody()), 5)
    monkeypatch.delattr(type(store()), "identity")
    with django_assert_num_queries(1):  # the row itself
        create(CreationRequest(Nobody()), 5)

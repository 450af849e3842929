"""`join_store`: staff say that a store and a database belong together."""

from __future__ import annotations

import errno
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError

from tests.uploads.store_identity.old_uploads import (
    Nobody,
    cannot,
    cleanup,
    finished,
    forget_identity,
    join_store,
    look_anew,
    names,
)
from uploads.models import State, StoreIdentity, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.maintenance.store_identity import AWAY, store_problem
from uploads.services.read import open_finished

pytestmark = pytest.mark.django_db(transaction=True)


def test_staff_join_the_two_when_they_know_what_it_costs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`join_store` tells, asks, and parts whoever had the store before."""
    finished(20)
    lost = Upload.objects.create(state=State.FINISHED, length=3)
    Upload.objects.exclude(pk=lost.pk).delete()
    forget_identity(of_store=False)
    former = (folder / "store_id").read_text()
    before = names(folder)
    said = join_store("--dry-run")
    assert "unknown to this database: 20 (60" in said
    assert "finished uploads without their bytes: 1" in said
    monkeypatch.setattr("sys.stdin", StringIO())  # no terminal to be asked at
    with pytest.raises(CommandError, match="--no-input"):
        join_store()
    assert (folder / "store_id").read_text() == former
    join_store("--no-input")
    assert (folder / "store_id").read_text() != former
    assert store_problem() is None
    said = cleanup()
    assert "20 files (60" in said
    assert "--remove-orphans" in said
    assert names(folder) == before
    assert Upload.objects.get(pk=lost.pk).lost


def test_a_store_that_could_not_be_told_of_a_new_identity_is_still_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staff give the files up while their disk is away, which fails or is killed; it comes back."""
    [upload] = finished(1)
    folder.rename(folder.with_name("aside"))
    look_anew()
    for _ in range(2):
        with monkeypatch.context() as patches:
            cannot(patches, "identify", PermissionError(errno.EACCES, "no"))
            with pytest.raises(CommandError, match="can't be written"):
                join_store("--no-input")
        assert store_problem() == AWAY
    folder.with_name("aside").rename(folder)
    assert store_problem() is None
    row = StoreIdentity.objects.get()
    assert (row.identity.hex, row.previous) == ((folder / "store_id").read_text().strip(), None)
    with open_finished(upload) as file:
        assert file.read() == b"xxx"


def test_files_that_are_gone_for_good_are_given_up_by_command(folder: Path) -> None:
    """In place of the folder `00` that had to be made by hand."""
    [upload] = finished(1)
    shutil.rmtree(folder)
    look_anew()
    assert store_problem() == AWAY
    join_store("--no-input")
    cleanup()
    assert Upload.objects.get(pk=upload.pk).lost
    create(CreationRequest(Nobody()), 5)

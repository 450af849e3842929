"""A store that is away, another one, full or read-only: uploads wait, and nothing is lost."""

from __future__ import annotations

import errno
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.uploads.store_identity.old_uploads import (
    Nobody,
    cannot,
    cleanup,
    finished,
    forget_identity,
    grow_old,
    look_anew,
    names,
    refused,
)
from uploads.errors import Unavailable
from uploads.models import CleanupRun, State, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.maintenance.store_identity import AWAY, UNWRITABLE, store_problem
from uploads.services.read import open_finished
from uploads.services.termination import terminate
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("way", ["absent", "empty"])
def test_a_disk_that_is_not_mounted_loses_nothing(folder: Path, way: str) -> None:
    """Nothing expires as lost, nothing is put elsewhere, and it goes on when the disk is back."""
    uploads = finished(3)
    unfinished = create(CreationRequest(Nobody()), 5)
    grow_old()
    overdue = {"expires": timezone.now() - timedelta(minutes=1)}
    Upload.objects.filter(pk=unfinished.pk).update(**overdue)
    folder.rename(folder.with_name("aside"))
    if way == "empty":
        folder.mkdir()
    look_anew()
    assert store_problem() == AWAY
    assert AWAY.reason in cleanup()
    assert "is unavailable" in refused()
    for upload in uploads:
        with pytest.raises(Unavailable):
            open_finished(upload)
    states = set(Upload.objects.values_list("state", "lost"))
    assert states == {(State.FINISHED, None), (State.RECEIVING, None)}
    if way == "empty":
        assert list(folder.iterdir()) == []
        folder.rmdir()
    folder.with_name("aside").rename(folder)
    assert store_problem() is None
    cleanup()
    for upload in uploads:
        with open_finished(upload) as file:
            assert file.read() == b"xxx"


def test_an_upload_that_lies_in_another_store_is_not_gone(folder: Path) -> None:
    """503, and not 410, which would be final; what is ended here removes nothing there."""
    [upload] = finished(1)
    mine = folder.rename(folder.with_name("mine"))
    folder.mkdir()
    (folder / "store_id").write_text(uuid.uuid4().hex)
    copy = folder / upload.id.hex[:2]
    look_anew()
    with pytest.raises(Unavailable):
        open_finished(upload)
    copy.mkdir()
    (copy / upload.id.hex).write_bytes(b"another's")
    terminate(upload)
    assert (copy / upload.id.hex).exists()
    shutil.rmtree(folder)
    mine.rename(folder)
    look_anew()
    cleanup()
    assert names(folder) == set()


def test_a_store_that_takes_no_writes_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(1)
    refuse = PermissionError(13, "no")
    monkeypatch.setattr(type(store()), "check_writable", lambda self: (_ for _ in ()).throw(refuse))
    assert store_problem() == UNWRITABLE


def test_a_full_disk_is_freed_also_before_the_two_are_joined(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site of before on a full disk: neither DELETE nor the cleanup may wait for its identity."""
    ended, overdue, kept = finished(3)
    past = timezone.now() - timedelta(minutes=1)
    Upload.objects.filter(pk=overdue.pk).update(state=State.RECEIVING, expires=past, length=9)
    forget_identity()
    with monkeypatch.context() as patches:
        cannot(patches, "identify", OSError(errno.ENOSPC, "full"))
        assert terminate(ended) == 3
        cleanup()
        assert names(folder) == {kept.id.hex}
        assert not (folder / "store_id").exists()
    look_anew()
    assert store_problem() is None
    assert (folder / "store_id").exists()


@pytest.mark.parametrize("way", ["no text", "no right", "folder"])
def test_a_store_that_cannot_be_read_is_away(
    folder: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of the cleanup ends, and says so."""
    finished(1)
    forget_identity()
    if way == "no text":
        (folder / "store_id").write_bytes(b"\xff\xfe")
    else:
        fault = PermissionError(errno.EACCES, "no")
        cannot(monkeypatch, "identity" if way == "no right" else "entries", fault)
    assert store_problem() == AWAY
    assert AWAY.reason in cleanup()
    assert CleanupRun.objects.get().ended

"""Rows whose bytes are missing are marked as lost, and well again when the bytes come back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.test import Client

from tests.uploads.store_identity.old_uploads import (
    LIST,
    Nobody,
    cleanup,
    finished,
    grow_old,
    terminate_file,
    write,
)
from uploads.errors import Gone
from uploads.models import CleanupRun, Concat, State, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.create_final import made_before
from uploads.services.read import acknowledged_offset, open_finished

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_final_upload_whose_bytes_are_lost_is_made_anew(folder: Path) -> None:
    """The same order again must not get back what cannot be read."""
    [upload] = finished(1)
    Upload.objects.filter(pk=upload.pk).update(concat=Concat.FINAL, final_key="key")
    assert made_before("key") == upload
    terminate_file(folder, upload)
    cleanup()
    assert made_before("key") is None
    Upload.objects.create(concat=Concat.FINAL, final_key="key")


def test_a_backup_beside_an_older_folder_tells_the_truth(folder: Path) -> None:
    """Rows that are newer than the files: lost, shorter, or going on from what is left."""
    whole, missing, shorter = finished(3, 600)
    unfinished = []
    for held in (600, 100, None):
        upload = create(CreationRequest(Nobody()), 1000)
        write(upload, b"y" * 600)
        Upload.objects.filter(pk=upload.pk).update(offset=600, header_checked=True)
        unfinished.append((upload, held))
    terminate_file(folder, missing)
    os.truncate(folder / shorter.id.hex[:2] / shorter.id.hex, 599)
    for upload, held in unfinished:
        file = folder / upload.id.hex[:2] / upload.id.hex
        if held is None:
            file.unlink()
        else:
            os.truncate(file, held)
    grow_old()
    cleanup()
    for upload in (missing, shorter):
        upload.refresh_from_db()
        assert upload.state == State.FINISHED
        assert upload.lost
        assert "missing" in upload.failure
        for ask in (open_finished, acknowledged_offset):
            with pytest.raises(Gone):
                ask(upload)
    whole.refresh_from_db()
    assert not whole.lost
    assert acknowledged_offset(whole) == 600
    now = [Upload.objects.get(pk=upload.pk) for upload, _ in unfinished]
    assert [(row.state, row.offset) for row in now[:2]] == [
        (State.RECEIVING, 600),
        (State.RECEIVING, 100),
    ]
    assert [row.header_checked for row in now[:2]] == [True, False]
    assert acknowledged_offset(now[1]) == 100
    assert now[2].state == State.EXPIRED
    assert CleanupRun.objects.latest("started").lost == 2


def test_bytes_that_come_back_count_again(folder: Path) -> None:
    [upload] = finished(1)
    file = folder / upload.id.hex[:2] / upload.id.hex
    aside = file.rename(folder / "aside")
    cleanup()
    assert Upload.objects.get(pk=upload.pk).lost
    aside.rename(file)
    cleanup()
    back = Upload.objects.get(pk=upload.pk)
    assert (back.lost, back.failure) == (None, "")
    with open_finished(back) as read:
        assert read.read() == b"xxx"


def test_the_admin_shows_what_is_lost(folder: Path, staff: Client) -> None:
    [upload] = finished(1)
    terminate_file(folder, upload)
    cleanup()
    assert "finished, bytes lost" in staff.get(LIST).content.decode()

"""Uploads and files of two days ago, and the commands of staff, for tests within one process."""

from __future__ import annotations

import os
import time
import uuid
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from uploads.errors import Unavailable
from uploads.models import State, StoreIdentity, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.maintenance import store_identity
from uploads.stores.registry import store

DAYS_AGO = 2 * 86400
LIST = "/admin/uploads/upload/"
RUNS = "/admin/uploads/cleanuprun/"


class Nobody:
    """A person without login."""

    pk = None
    is_authenticated = is_staff = False


def finished(count: int, size: int = 3) -> list[Upload]:
    """Uploads whose files are two days old."""
    made = []
    for _ in range(count):
        upload = create(CreationRequest(Nobody()), size)
        write(upload, b"x" * size)
        Upload.objects.filter(pk=upload.pk).update(
            state=State.FINISHED, offset=size, finished=timezone.now(), notified_at=timezone.now()
        )
        made.append(Upload.objects.get(pk=upload.pk))
    grow_old()
    return made


def write(upload: Upload, data: bytes) -> None:
    writing = store().acquire_writer(upload.id.hex, 0)
    writing.write(data)
    writing.end()


def grow_old() -> None:
    """Let all files be two days old, and all uploads be quiet."""
    for file in Path(store().directory).glob("*/*"):  # type: ignore[attr-defined]
        os.utime(file, (time.time() - DAYS_AGO,) * 2)
    Upload.objects.update(last_activity=timezone.now() - timedelta(minutes=5))


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("??/*") if not file.name.endswith(".fence")}


def orphans(folder: Path, count: int) -> set[str]:
    """Old files that no row knows."""
    made = {uuid.uuid4().hex for _ in range(count)}
    for name in made:
        (folder / name[:2]).mkdir(exist_ok=True)
        (folder / name[:2] / name).write_bytes(b"orphan")
    grow_old()
    return made


def forget_identity(of_store: bool = True, of_database: bool = True) -> None:
    """As in a site of before, or in another database."""
    if of_store:
        (Path(store().directory) / "store_id").unlink()  # type: ignore[attr-defined]
    if of_database:
        StoreIdentity.objects.all().delete()
    look_anew()


def look_anew() -> None:
    """Whoever found all well believes so for some seconds."""
    store_identity._believed = store_identity._compared = None


def cleanup(*arguments: str) -> str:
    said, errors = StringIO(), StringIO()
    try:
        call_command("cleanup_uploads", *arguments, stdout=said, stderr=errors)
    except (CommandError, SystemExit) as end:
        errors.write(str(end))
    return said.getvalue() + errors.getvalue()


def join_store(*arguments: str) -> str:
    said = StringIO()
    call_command("join_store", *arguments, stdout=said)
    look_anew()
    return said.getvalue()


def refused() -> str:
    """What a client hears who begins an upload."""
    with pytest.raises(Unavailable) as refusal:
        create(CreationRequest(Nobody()), 5)
    assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "60")
    return refusal.value.message


def terminate_file(folder: Path, upload: Upload) -> None:
    (folder / upload.id.hex[:2] / upload.id.hex).unlink()


def cannot(monkeypatch: pytest.MonkeyPatch, method: str, fault: Exception) -> None:
    """Let the store fail."""

    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(type(store()), method, fail)

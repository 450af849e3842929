"""Store and database know each other: what does not belong together loses nothing by it.

Another database is one whose rows are not these: within one process they are taken away.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from uploads.errors import Gone, Unavailable
from uploads.models import CleanupRun, Concat, State, StoreIdentity, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.create_final import made_before
from uploads.services.maintenance import store_identity
from uploads.services.maintenance.cleanup import orphans_kept
from uploads.services.maintenance.store_identity import (
    AWAY,
    FOREIGN,
    UNKNOWN_FILES,
    UNWRITABLE,
    store_problem,
)
from uploads.services.read import acknowledged_offset, open_finished
from uploads.services.termination import terminate
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)
DAYS_AGO = 2 * 86400
LIST = "/admin/uploads/upload/"
RUNS = "/admin/uploads/cleanuprun/"


class Nobody:
    """A person without login."""

    pk = None
    is_authenticated = is_staff = False


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    """A folder for uploads that is not made yet."""
    settings.UPLOADS_DIR = str(tmp_path / "uploads")
    settings.UPLOADS_MIN_FREE_SPACE, settings.UPLOADS_ACCEPT = 0, "any"
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    return tmp_path / "uploads"


@pytest.fixture
def staff() -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("boss"))
    return client


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


def terminate_file(folder: Path, upload: Upload) -> None:
    (folder / upload.id.hex[:2] / upload.id.hex).unlink()


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


def test_sentences_for_monitors_name_no_place(folder: Path) -> None:
    for problem in (AWAY, FOREIGN, UNKNOWN_FILES, UNWRITABLE):
        assert "/" not in problem.reason
        assert problem.reason.count(".") == 1


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


def cannot(monkeypatch: pytest.MonkeyPatch, method: str, fault: Exception) -> None:
    """Let the store fail."""

    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(type(store()), method, fail)


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


def test_a_final_upload_whose_bytes_are_lost_is_made_anew(folder: Path) -> None:
    """The same order again must not get back what cannot be read."""
    [upload] = finished(1)
    Upload.objects.filter(pk=upload.pk).update(concat=Concat.FINAL, final_key="key")
    assert made_before("key") == upload
    terminate_file(folder, upload)
    cleanup()
    assert made_before("key") is None
    Upload.objects.create(concat=Concat.FINAL, final_key="key")


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


def test_the_admin_says_what_is_wrong(folder: Path, staff: Client) -> None:
    finished(1)
    Upload.objects.all().delete()
    forget_identity(of_store=False)
    for page in (LIST, RUNS):
        text = staff.get(page).content.decode()
        assert FOREIGN.reason in text
        assert "join_store" in text
    assert FOREIGN.reason in staff.get(f"{RUNS}orphans").content.decode()


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


def test_a_creation_asks_neither_file_nor_database_each_time(
    folder: Path, django_assert_num_queries: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    create(CreationRequest(Nobody()), 5)
    monkeypatch.delattr(type(store()), "identity")
    with django_assert_num_queries(1):  # the row itself
        create(CreationRequest(Nobody()), 5)

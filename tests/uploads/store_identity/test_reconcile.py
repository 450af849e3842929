"""`manage.py reconcile_uploads`: says where rows and files differ, and mends what it is told to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests import said
from tests.running import Site
from tests.speech import recordings
from tests.uploads.store_identity.old_uploads import (
    Nobody,
    finished,
    forget_identity,
    names,
    orphans,
    terminate_file,
    write,
)
from uploads.management.progress import Progress
from uploads.models import CleanupRun, State, StoreIdentity, Upload
from uploads.services.create import CreationRequest, create
from uploads.services.maintenance import store_identity
from uploads.services.maintenance.store_identity import store_problem

pytestmark = pytest.mark.django_db(transaction=True)
MARKED = ("missing", "shorter", "returned")


class Said(said.Said):
    command = "reconcile_uploads"

    def found(self, part: str = "differences") -> dict[str, str]:
        """The kind of each difference, by its name."""
        return {one["name"]: one["kind"] for one in self.json[part]}


def file_of(folder: Path, upload: Upload) -> Path:
    return folder / upload.id.hex[:2] / upload.id.hex


def receiving(held: int, offset: int, length: int = 1000) -> Upload:
    """An unfinished upload that nobody sends to."""
    upload = create(CreationRequest(Nobody()), length)
    write(upload, b"y" * held)
    Upload.objects.filter(pk=upload.pk).update(offset=offset)
    return upload


def everything_differs(folder: Path) -> dict[str, str]:
    """One of each kind, beside some that agree; returns the kinds by names."""
    store_problem()
    _, missing, shorter, longer, returned, leftover = finished(6, 600)
    receiving(600, 600)
    receiving(700, 600)  # more than was acknowledged is no fault
    back = receiving(100, 600)
    ended = receiving(0, 600)
    terminate_file(folder, missing)
    terminate_file(folder, ended)
    os.truncate(file_of(folder, shorter), 599)
    os.truncate(file_of(folder, longer), 601)
    Upload.objects.filter(pk=returned.pk).update(lost=timezone.now(), failure="lost")
    Upload.objects.filter(pk=leftover.pk).update(state=State.TERMINATED)
    old, young = sorted(orphans(folder, 2))  # lets all others grow old, too
    os.utime(folder / young[:2] / young, (time.time() - 600,) * 2)
    kinds = {"missing": (missing, ended), "shorter": (shorter, back), "longer": (longer,)}
    kinds |= {"returned": (returned,), "leftover": (leftover,)}
    by_name = {upload.id.hex: kind for kind, some in kinds.items() for upload in some}
    return {**by_name, old: "orphan", young: "young"}


def rows() -> list[tuple[Any, ...]]:
    return list(Upload.objects.order_by("pk").values_list("pk", "state", "offset", "lost"))


def test_where_all_agree_nothing_is_said(folder: Path) -> None:
    assert Said().out == "0 uploads and 0 files compared: all agree.\n"
    assert not folder.exists()  # no store was made, nor joined
    finished(2)
    receiving(5, 5)
    said = Said()
    assert (said.status, said.errors) == (0, "")
    assert said.out == "3 uploads and 3 files compared: all agree.\n"
    assert Said("--mark-lost", "--remove-orphans", "--json").json["left"] == []
    assert not CleanupRun.objects.exists()


def test_each_difference_is_told_and_nothing_is_changed(folder: Path) -> None:
    kinds = everything_differs(folder)
    before = rows(), names(folder)
    said = Said("--json")
    assert said.status == 1 and "9 of them differ." in said.errors
    assert said.found() == said.found("left") == kinds
    assert (said.json["uploads"], said.json["files"]) == (9, 10)
    sizes = {
        one["kind"]: (one["expected"], one["held"])
        for one in said.json["differences"]
        if one["state"] != "receiving"
    }
    assert sizes == {
        "missing": (600, None),
        "shorter": (600, 599),
        "longer": (600, 601),
        "returned": (600, 600),
        "leftover": (None, 600),
        "orphan": (None, 6),
        "young": (None, 6),
    }
    assert (rows(), names(folder)) == before and not CleanupRun.objects.exists()


def test_people_get_a_table_and_what_to_do(folder: Path) -> None:
    kinds = everything_differs(folder)
    said = Said("--limit", "8")
    head, *lines = said.out.splitlines()
    assert head.split() == ["ID", "DIFFERENCE", "STATE", "EXPECTED", "HELD", "NAME"]
    assert len({line.split()[0] for line in lines[:8]} & kinds.keys()) == 8
    assert "1 more; see --limit." in said.errors and said.status == 1
    told = "2 missing, 2 shorter, 1 longer, 1 returned, 1 leftover, 1 orphan, 1 young."
    assert lines[8] == f"9 uploads and 10 files compared: {told}"
    assert "--mark-lost" in lines[9] and "--remove-orphans" in lines[10]


def test_rows_are_made_to_say_what_is_there(folder: Path) -> None:
    """As the cleanup would, which leaves the same record."""
    kinds = everything_differs(folder)
    files = names(folder)
    said = Said("--mark-lost", "--json")
    assert said.status == 1 and len(said.json["mended"]) == 5
    left = {name: kind for name, kind in kinds.items() if kind not in MARKED}
    assert said.found("left") == left and set(left.values()) == {
        *("longer", "leftover", "orphan", "young")
    }
    assert names(folder) == files
    by_kind = {kind: Upload.objects.get(pk=name) for name, kind in kinds.items() if kind in MARKED}
    assert by_kind["returned"].lost is None
    assert Upload.objects.filter(state=State.FINISHED, lost__isnull=False).count() == 2
    assert Upload.objects.filter(state=State.RECEIVING, offset=100).count() == 1
    assert Upload.objects.filter(state=State.EXPIRED).count() == 1
    run = CleanupRun.objects.get()
    assert (run.trigger, run.lost, run.strays, run.errors) == ("command", 2, 0, [])
    assert run.ended and run.details == said.json["mended"]


def test_files_are_removed_after_a_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = everything_differs(folder)
    before = rows(), names(folder)
    asked: list[str] = []

    def no(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("builtins.input", no)
    refused = Said("--remove-orphans", "--mark-lost")
    assert refused.status == 1 and "Nothing was done." in refused.errors
    assert "Remove 2 files (606" in asked[0]
    assert (rows(), names(folder)) == before and not CleanupRun.objects.exists()

    said = Said("--remove-orphans", "--no-input", "--json")
    gone = {name for name, kind in kinds.items() if kind in ("leftover", "orphan")}
    assert before[1] - names(folder) == gone and len(asked) == 1
    assert said.json["bytes_freed"] == 606
    left = set(said.found("left").values())
    assert left == {"missing", "shorter", "longer", "returned", "young"} and said.status == 1
    assert Upload.objects.filter(lost__isnull=False).count() == 1  # rows were not to be changed


def test_many_files_of_no_upload_go_once_staff_agree(folder: Path) -> None:
    finished(1)
    strangers = orphans(folder, 12)
    call_command("cleanup_uploads", stdout=StringIO())
    assert strangers < names(folder) and CleanupRun.objects.get().orphans_kept == 12
    assert Said("--mark-lost").status == 1 and strangers < names(folder)
    said = Said("--remove-orphans", "--no-input")
    assert (said.status, said.errors) == (0, "")
    assert len(names(folder)) == 1 and "72 bytes were freed; 0 differences are left." in said.out
    assert CleanupRun.objects.latest("started").orphans_kept == 0


def test_requests_at_work_are_left_alone(folder: Path) -> None:
    """Their rows and files may differ at any moment."""
    finished(1)
    upload = receiving(100, 600)
    fresh = folder / "ab" / ("ab" * 16)
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_bytes(b"its row is not written yet")
    assert Said().status == 0
    Upload.objects.filter(pk=upload.pk).update(last_activity=timezone.now() - timedelta(hours=1))
    assert Said("--json").found() == {upload.id.hex: "shorter"}


def test_a_store_of_another_database_is_not_touched(folder: Path) -> None:
    finished(2)
    strangers = orphans(folder, 3)
    forget_identity(of_store=False)
    store_identity.part_store()
    StoreIdentity.objects.update(joined=True)
    for arguments in ((), ("--remove-orphans", "--mark-lost", "--no-input")):
        said = Said(*arguments)
        assert said.status == 1 and not said.out
        assert "belongs to another database" in said.errors and "join_store" in said.errors
    assert strangers < names(folder) and not CleanupRun.objects.exists()
    assert not Upload.objects.exclude(lost=None).exists()


def test_a_store_that_is_away_has_lost_nothing(folder: Path) -> None:
    finished(2)
    folder.rename(folder.with_name("aside"))
    store_identity._believed = None
    said = Said("--mark-lost")
    assert said.status == 1 and "The upload store is unavailable" in said.errors
    assert not Upload.objects.exclude(lost=None).exists()
    folder.with_name("aside").rename(folder)
    assert Said().status == 0


def test_both_at_once(folder: Path) -> None:
    """As after a restored backup: some rows are newer than the files, and some files than rows."""
    kept, lost = finished(2)
    terminate_file(folder, lost)
    strangers = orphans(folder, 1)
    assert Said("--mark-lost", "--remove-orphans", "--no-input").status == 0
    assert not names(folder) & strangers and file_of(folder, kept).exists()
    assert Said().out == "2 uploads and 1 files compared: all agree.\n"  # it is marked as lost


def test_help_has_examples_and_says_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("reconcile_uploads", "--help")
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "  manage.py reconcile_uploads --mark-lost   " in text
    assert "exit status: 0 all agree" in text and "  young      the same, but" in text


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the first second, and nothing of it stays."""
    now = [100.0]
    monkeypatch.setattr("uploads.management.progress.time.monotonic", lambda: now[0])
    terminal, log = Terminal(), StringIO()
    with Progress(terminal, "rows", 9) as shown, Progress(log, "rows", 9) as hidden:
        for _ in range(9):
            shown.step()
            hidden.step()
            now[0] += 0.15
    assert "1 of 9" not in terminal.getvalue() and "8 of 9 rows" in terminal.getvalue()
    assert terminal.getvalue().rpartition("\r")[0].endswith("\r" + " " * len("8 of 9 rows"))
    assert not log.getvalue()


@pytest.mark.proof
def test_a_running_site_agrees(new_site: Callable[..., Site]) -> None:
    """Through its own command line, beside requests and jobs."""
    site = new_site().start()
    site.upload(recordings.GO_FORWARD)
    address = site.create(10, {"filename": "a.wav"})
    done = site.manage("reconcile_uploads", "--json", check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["uploads"] == 2
    identifier = address.rpartition("/")[2]
    (site.data_dir / "uploads" / identifier[:2] / identifier).unlink()
    stopped = site.shell(
        "from uploads.models import Upload\n"
        "from django.utils import timezone\n"
        "from datetime import timedelta\n"
        "long_ago = timezone.now() - timedelta(minutes=5)\n"
        f"print(Upload.objects.filter(pk='{identifier}').update(last_activity=long_ago))"
    )
    assert stopped.strip() == "1"
    done = site.manage("reconcile_uploads", check=False)
    assert done.returncode == 1 and f"{identifier}  no file" in done.stdout

"""`manage.py uploads`: what staff see and do at a shell."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from tests import said
from tests.transcription.building import make_upload, within
from uploads.models import State, Upload
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


class Said(said.Said):
    command = "uploads"


def receiving(held: int = 5, **facts: Any) -> Upload:
    facts = {"state": State.RECEIVING, "length": 10, "offset": held, "finished": None, **facts}
    return make_upload(b"x" * held, **facts)


def test_a_list_is_of_unfinished_uploads_unless_asked_otherwise() -> None:
    owner = User.objects.create_user("ann")
    old = timezone.now() - timedelta(hours=1)
    quiet = receiving(file_name="quiet.mp3", last_activity=old, owner=owner)
    busy = receiving(file_name="busy\x1b[2J.mp3")
    make_upload(b"all", file_name="done.wav")
    listed = Said("list")
    head, *lines = listed.out.splitlines()
    assert head.split()[:3] == ["ID", "NAME", "STATE"]
    assert [line.split()[0] for line in lines] == [busy.id.hex, quiet.id.hex]
    assert "\x1b" not in listed.out and "5 bytes of 10 bytes" in listed.out
    for arguments, found in (
        (("--quiet", "15"), ["quiet.mp3"]),
        (("--owner", "ann"), ["quiet.mp3"]),
        (("--owner", "-", "--state", "all"), ["done.wav", "busy\x1b[2J.mp3"]),
        (("--state", "finished"), ["done.wav"]),
        (("--name", "QUIET"), ["quiet.mp3"]),
        (("--owner", "nobody"), []),
    ):
        assert [one["name"] for one in Said("list", "--json", *arguments).json] == found
    for nonsense in ("nan", "1e12"):
        assert "--quiet must be" in Said("list", "--quiet", nonsense).errors
    some = Said("list", "--state", "all", "--limit", "1")
    assert len(some.out.splitlines()) == 2 and "2 more" in some.errors


def test_an_upload_is_shown_whole() -> None:
    upload = receiving(metadata={"language": "lv"}, failure="It stopped.")
    (shown,) = Said("show", f"https://host/uploads/files/{upload.id.hex}/", "--json").json
    assert shown["metadata"] == {"language": "lv"} and shown["offset"] == 5
    text = Said("show", str(upload.id)).out
    assert "language: lv" in text and "It stopped." in text


def test_what_does_not_exist_is_told_and_the_others_are_done() -> None:
    upload = receiving()
    said = Said("extend", "nonsense", "0" * 32, upload.id.hex)
    assert said.status == 1 and f"{upload.id.hex}  extended" in said.out
    assert said.errors.count("There is no such upload") == 2
    upload.refresh_from_db()
    assert upload.expires and upload.expires > timezone.now()


def test_ending_asks_and_says_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished, finished = receiving(), make_upload(b"whole")
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("builtins.input", answer)
    ids = unfinished.id.hex, finished.id.hex
    refused = Said("terminate", *ids)
    assert refused.status == 1 and "Nothing was done" in refused.errors
    assert "2 uploads, 1 of them finished, and remove 10" in asked[0]
    assert set(Upload.objects.values_list("has_bytes", flat=True)) == {True}

    expired = Said("expire", "--no-input", "--json", *ids)
    assert expired.status == 1  # a finished one does not expire
    assert [one["done"] for one in expired.json] == [True, False]
    assert Said("terminate", "--no-input", finished.id.hex).status == 0
    assert Said("terminate", "--no-input", finished.id.hex).status == 1
    states = dict(Upload.objects.values_list("id", "state"))
    assert states == {unfinished.id: State.EXPIRED, finished.id: State.TERMINATED}
    assert not [entry.name for entry in store().entries("") if entry.name in ids]


def test_lost_bytes_are_found() -> None:
    whole, short, gone = receiving(), make_upload(b"long enough"), make_upload(b"away")
    Path(store().path(short.id.hex)).write_bytes(b"long")
    store().remove(gone.id.hex)
    good = Said("verify", whole.id.hex)
    assert good.status == 0 and "good: 5 bytes are there, 5 must be" in good.out
    every = Said("verify")
    assert every.status == 1 and "3 verified, 2 with lost bytes." in every.out
    assert f"{short.id.hex}  BAD: 4 bytes are there, 11 must be" in every.out
    assert f"{gone.id.hex}  BAD: no file is there, 4 must be" in every.out
    assert {one["id"] for one in Said("verify", "--json").json if not one["good"]} == {
        *(short.id.hex, gone.id.hex)
    }


def test_all_are_verified_by_the_list_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is asked for single files only where the list leaves a doubt."""
    good = [receiving(), make_upload(b"whole"), make_upload(b"")]
    gone = receiving(0)
    make_upload(b"its bytes are no longer expected", state=State.TERMINATED)
    store().remove(gone.id.hex)
    asked: list[str] = []
    held = type(store()).held

    def look(self: Any, name: str) -> int:
        asked.append(name)
        return held(self, name)

    monkeypatch.setattr(type(store()), "held", look)
    told = Said("verify", "--json")
    assert asked == [gone.id.hex] and told.status == 1
    assert {one["id"]: one["good"] for one in told.json} == {
        **{upload.id.hex: True for upload in good},
        gone.id.hex: False,
    }


def test_a_store_that_is_away_is_told_once(settings: LazySettings, tmp_path: Path) -> None:
    for _ in range(3):
        receiving()
    settings.UPLOADS_DIR = str(tmp_path / "away")
    every = Said("verify")
    assert every.status == 1 and every.errors.count("The store can't be read") == 1


def test_a_cleanup_tells_programs_what_it_did() -> None:
    overdue = receiving(expires=timezone.now() - timedelta(minutes=1))
    for dry_run in (True, False):
        out = StringIO()
        call_command("cleanup_uploads", "--json", *["--dry-run"][: int(dry_run)], stdout=out)
        done = json.loads(out.getvalue())
        assert (done["dry_run"], done["expired"], done["bytes_freed"]) == (dry_run, 1, 5)
        assert str(overdue.id) in done["details"][0] and done["errors"] == []


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("uploads", "--help")
    assert end.value.code == 0
    assert "manage.py uploads list --quiet 15   " in capsys.readouterr().out

"""What time does to uploads: idle bodies, expiry, the cleanup and what it recovers; a full disk."""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.running import Site, encode_metadata, wait_for
from tests.site.people import make_key, make_user
from tests.uploads.conftest import ROOT, created, head, patch
from tests.uploads.test_completion import SHAM, jobs
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask, identifier

CLOSED = b"\xff" * 24  # whole: a token that lets nobody in, and nothing tentative
START_IS_CLEAN = (
    'print(json.dumps(CleanupRun.objects.filter(trigger="start", ended__isnull=False).exists()))'
)
PAUSE = "print(json.dumps(Schedule.objects.update(repeats=0)))"
QUEUE_IS_IDLE = (
    'print(json.dumps(not OrmQ.objects.filter(key=settings.Q_CLUSTER["name"]).exists()))'
)
MINUTES_AGO = "timezone.now() - timedelta(minutes=5)"
PRELUDE = "\n".join(
    (
        "import json, uuid",
        "from datetime import timedelta",
        "from django.utils import timezone",
        "from django.conf import settings",
        "from django_q.models import OrmQ, Schedule",
        "from transcription.models import Job",
        "from uploads.models import CleanupRun, Upload",
        "",
    )
)


def patching(offset: int, length: int) -> dict[str, str]:
    return {**DATA, "Upload-Offset": str(offset), "Content-Length": str(length)}


def rows(site: Site, code: str) -> Any:
    """Run code in the site's Django; what its last line yields, by way of JSON."""
    return json.loads(site.shell(f"{PRELUDE}{code}"))


def test_idle_bodies_are_ended(hurried: Site) -> None:
    """UPLOADS_IDLE_TIMEOUT: 408 (clients retry it), the bytes are kept, the connection closes."""
    paths = [created(hurried, 100), created(hurried, 100)]
    with Wire(hurried) as plain, Wire(hurried) as chunked:
        began = time.monotonic()
        plain.head("PATCH", paths[0], patching(0, 100))
        plain.send(b"x" * 10)
        chunked.head(
            "PATCH", paths[1], {**DATA, "Upload-Offset": "0", "Transfer-Encoding": "chunked"}
        )
        chunked.chunk(b"y" * 10)
        for wire in (plain, chunked):
            answer = wire.answer()
            assert (answer.status, answer.closes) == (408, True)
            assert wire.at_end()
        assert time.monotonic() - began > 1.5
    for path in paths:
        assert head(hurried, path).offset == 10
        answer = ask(hurried, "PATCH", path, patching(10, 90), b"z" * 90)
        assert (answer.status, answer.offset) == (204, 100)


def test_an_idle_body_that_was_overtaken_hears_so(hurried: Site) -> None:
    """Not 408, which would let it go on where somebody else writes."""
    path = created(hurried, 100)
    with Wire(hurried) as wire:
        wire.head("PATCH", path, patching(0, 100))
        wire.send(b"x" * 10)
        file = hurried.data_dir / "uploads" / identifier(path)[:2] / identifier(path)
        wait_for(lambda: file.stat().st_size == 10, 5)
        assert ask(hurried, "PATCH", path, patching(10, 20), b"y" * 20).offset == 30
        answer = wire.answer()
        assert (answer.status, answer.closes) == (409, True)
    assert head(hurried, path).offset == 30


def test_expiry_slides_with_activity_and_ends(hurried: Site) -> None:
    """Expiration: Upload-Expires in POST, PATCH and HEAD; afterwards 404 or 410, for ever."""
    asked = datetime.now(UTC)
    answer = ask(hurried, "POST", ROOT, {**TUS, "Upload-Length": "10"})
    path = answer.headers["Location"]
    first = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert asked + timedelta(seconds=3) <= first <= datetime.now(UTC) + timedelta(seconds=5)
    time.sleep(2.5)
    answer = ask(hurried, "PATCH", path, patching(0, 5), b"hello")
    second = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert second > first
    time.sleep(2.5)  # the first moment is over
    answer = head(hurried, path)
    assert answer.offset == 5
    assert parsedate_to_datetime(answer.headers["Upload-Expires"]) == second
    time.sleep(max(0.0, (second - datetime.now(UTC)).total_seconds()) + 1.1)
    for method in ("HEAD", "PATCH", "GET", "DELETE"):
        assert ask(hurried, method, path, patching(5, 0)).status == 410
    answer = head(hurried, path)
    assert "Upload-Offset" not in answer.headers


def test_a_body_that_flows_keeps_its_upload_alive(hurried: Site) -> None:
    """A request longer than UPLOADS_EXPIRE_AFTER is activity all the while."""
    path = created(hurried, 600_000)
    with Wire(hurried) as wire:
        wire.head("PATCH", path, patching(0, 600_000))
        for _ in range(10):
            wire.send(b"x" * 60_000)
            time.sleep(0.5)
        assert wire.answer().status == 204


def test_expiry_ends_a_request_that_is_still_writing(sqlite_site: Site) -> None:
    """Fenced like DELETE: its later bytes do not land, it hears so, and its connection ends."""
    path = created(sqlite_site, 100)
    with Wire(sqlite_site) as wire:
        wire.head("PATCH", path, patching(0, 100))
        wire.send(b"x" * 10)
        expired = rows(
            sqlite_site,
            "from uploads.services.termination import expire\n"
            f"upload = Upload.objects.get(pk='{identifier(path)}')\n"
            "print(json.dumps(expire(upload, reason='Staff wants it.')))",
        )
        assert expired == 10
        wire.send(b"y" * 90)
        answer = wire.answer()
        assert answer.status == 410
        assert answer.closes
        assert wire.at_end()
    assert bytes_on_disk(sqlite_site, path) == []
    assert head(sqlite_site, path).status == 410


def test_a_full_disk_is_507_at_creation(hurried: Site) -> None:
    """Upload-Length plus UPLOADS_MIN_FREE_SPACE must fit; nothing is made, later it may fit."""
    before = set((hurried.data_dir / "uploads").glob("*/*"))
    answer = ask(hurried, "POST", ROOT, {**TUS, "Upload-Length": str(10**15)})
    assert answer.status == 507
    assert int(answer.headers["Retry-After"]) > 0
    assert b"disk" in answer.body
    assert set((hurried.data_dir / "uploads").glob("*/*")) == before


def finished_sham(site: Site) -> tuple[str, str]:
    """A finished upload that has a job; its path and name."""
    name = f"{uuid.uuid4().hex}.mp3"
    metadata = encode_metadata({"filename": name})
    path = created(site, 1000, **{"Upload-Metadata": metadata})
    assert ask(site, "PATCH", path, patching(0, 1000), SHAM).status == 204
    return path, name


@pytest.mark.proof
def test_the_cleanup(hurried: Site) -> None:
    """`cleanup_uploads`: `--dry-run` names and changes nothing; then everything is done once, and
    a record remains."""
    wait_for(lambda: rows(hurried, START_IS_CLEAN), 60, 0.5, "the cleanup of the start")
    rows(hurried, PAUSE)  # the sweep of each minute announces what was not, too
    wait_for(lambda: rows(hurried, QUEUE_IS_IDLE), 60, 0.5, "the tasks that had begun")
    store = hurried.data_dir / "uploads"
    abandoned = created(
        hurried, 5000, **{"Upload-Metadata": encode_metadata({"filename": "gone.bin"})}
    )
    ask(hurried, "PATCH", abandoned, patching(0, 4321), b"x" * 4321)
    finished, _ = finished_sham(hurried)
    unheard, unheard_name = finished_sham(hurried)
    unfinished, unfinished_name = finished_sham(hurried)
    lost = created(hurried, 10)
    for file in bytes_on_disk(hurried, lost):
        file.unlink()
    old, young, foreign = uuid.uuid4().hex, uuid.uuid4().hex, "readme"
    fence = uuid.uuid4().hex
    for name in (old, young, foreign, f"{fence}.fence"):
        (store / name[:2]).mkdir(exist_ok=True)
        (store / name[:2] / name).write_bytes(b"s" * 777)
        if name != young:
            os.utime(store / name[:2] / name, (time.time() - 7200,) * 2)
    rows(
        hurried,
        f"""
Job.objects.filter(upload_id__in=["{identifier(unheard)}", "{identifier(unfinished)}"]).delete()
Upload.objects.filter(pk="{identifier(unheard)}").update(notified_at=None, finished={MINUTES_AGO})
later = timezone.now() + timedelta(hours=1)
Upload.objects.filter(pk="{identifier(unfinished)}").update(
    state="receiving", notified_at=None, finished=None, expires=later, last_activity={MINUTES_AGO})
Upload.objects.filter(pk="{identifier(lost)}").update(expires=later, last_activity={MINUTES_AGO})
Upload.objects.filter(pk="{identifier(abandoned)}").update(expires={MINUTES_AGO})
print(json.dumps(None))
""",
    )

    def everything() -> list[str]:
        return sorted(str(file) for file in store.rglob("*"))

    before = everything()
    said = hurried.manage("cleanup_uploads", "--dry-run").stdout
    assert everything() == before
    for path in (abandoned, unheard, unfinished, lost):
        assert str(uuid.UUID(identifier(path))) in said
    assert "gone.bin" in said
    assert "would have" in said
    assert old in said
    assert fence in said
    for innocent in (str(uuid.UUID(identifier(finished))), young, foreign):
        assert innocent not in said
    assert head(hurried, abandoned).status == 410
    assert jobs(hurried, unheard_name) == []

    said = hurried.manage("cleanup_uploads").stdout
    assert "would" not in said
    assert bytes_on_disk(hurried, abandoned) == []
    assert head(hurried, abandoned).status == 410
    assert head(hurried, lost).status == 410
    for path, name in ((unheard, unheard_name), (unfinished, unfinished_name)):
        [job] = jobs(hurried, name)
        answer = head(hurried, path)
        assert (answer.offset, answer.headers["X-Task-Id"]) == (1000, job)
    assert not (store / old[:2] / old).exists()
    assert not (store / fence[:2] / f"{fence}.fence").exists()
    assert (store / young[:2] / young).exists()
    assert (store / foreign[:2] / foreign).exists()
    assert ask(hurried, "GET", finished).body == SHAM

    again = hurried.manage("cleanup_uploads").stdout
    assert identifier(abandoned) not in again.replace("-", "")
    runs = rows(
        hurried,
        """
fields = "dry_run expired recovered strays bytes_freed errors details".split()
runs = CleanupRun.objects.filter(trigger="command", ended__isnull=False).order_by("started")
print(json.dumps(list(runs.values(*fields))))
""",
    )
    assert [run["dry_run"] for run in runs] == [True, False, False]
    real = runs[1]
    assert (real["recovered"], real["strays"], real["errors"]) == (2, 2, [])
    assert real["expired"] >= 2
    assert real["bytes_freed"] >= 4321 + 777
    assert any("gone.bin" in line and "4321" in line for line in real["details"])


def test_a_lost_announcement_is_made_up_for_when_the_client_asks(hurried: Site) -> None:
    """A crash between the finish and the site's hearing of it: HEAD names the job all the same."""
    path, name = finished_sham(hurried)
    pk = identifier(path)
    rows(
        hurried,
        f'Job.objects.filter(upload_id="{pk}").delete()\n'
        f'Upload.objects.filter(pk="{pk}").update(notified_at=None)\nprint(json.dumps(None))',
    )
    assert jobs(hurried, name) == []
    task = head(hurried, path).headers["X-Task-Id"]
    assert jobs(hurried, name) == [task]


def test_bytes_lost_from_the_disk_are_gone(hurried: Site) -> None:
    """Somebody removed the files: 410, never a fault of ours."""
    unfinished, (finished, _) = created(hurried, 10), finished_sham(hurried)
    for path in (unfinished, finished):
        for file in bytes_on_disk(hurried, path):
            file.unlink()
    for method in ("HEAD", "PATCH"):
        assert ask(hurried, method, unfinished, patching(0, 0)).status == 410
    assert ask(hurried, "GET", finished).status == 410
    assert ask(hurried, "DELETE", finished, TUS).status == 204
    assert ask(hurried, "DELETE", unfinished, TUS).status == 204


@pytest.mark.proof
def test_a_removal_that_was_killed_is_made_up_for(hurried: Site) -> None:
    """The file says that it is closed, the row does not know yet: 410, and the cleanup ends it."""
    path = created(hurried, 10)
    assert patch(hurried, path, 0, b"hello").status == 204
    [fence] = [file for file in bytes_on_disk(hurried, path) if file.suffix == ".fence"]
    fence.write_bytes(CLOSED)
    change = f"""
uploads = Upload.objects.filter(pk="{identifier(path)}")
uploads.update(expires=timezone.now() + timedelta(hours=1), last_activity={MINUTES_AGO})
print(json.dumps(None))
"""
    rows(hurried, change)
    for method in ("HEAD", "PATCH"):
        assert ask(hurried, method, path, patching(5, 0)).status == 410
    hurried.manage("cleanup_uploads")
    assert bytes_on_disk(hurried, path) == []
    state = f'Upload.objects.get(pk="{identifier(path)}").state'
    assert rows(hurried, f"print(json.dumps({state}))") == "expired"


def test_too_many_uploads_without_a_byte_are_429(hurried: Site) -> None:
    """For their owner alone, until they get bytes or end."""
    make_user(hurried, "other")
    other = {"Authorization": f"Bearer {make_key(hurried, 'other')}"}

    def post(who: dict[str, str]) -> Answer:
        return ask(hurried, "POST", ROOT, {**TUS, "Upload-Length": "5", **who})

    made: list[str] = []
    while (answer := post({})).status == 201 and len(made) < 30:
        made.append(answer.headers["Location"])
    assert answer.status == 429 and answer.headers["Retry-After"] == "60", len(made)
    assert b"20 open uploads" in answer.body
    assert post(other).status == 201
    for path in made:
        assert ask(hurried, "DELETE", path, TUS).status == 204
    assert patch(hurried, created(hurried, 5), 0, b"hello").status == 204

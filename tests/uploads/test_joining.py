"""Joining the parts of a final upload: while it waits, after a crash, with lost parts, as media."""

from __future__ import annotations

import base64
import os
import shutil
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.running import Site, wait_for
from tests.speech import recordings
from tests.uploads.conftest import content, created, head, patch
from tests.uploads.test_concatenation import final, part
from tests.uploads.wire import TUS, ask, identifier


def test_activity_in_a_part_is_activity_of_the_whole(sqlite_site: Site) -> None:
    """Expiration: a final upload waits as long as one of its parts still comes in, and its
    finished parts wait, too."""
    first, second = part(sqlite_site, b"one"), part(sqlite_site, b"two", send=False)
    path = final(sqlite_site, [first, second]).headers["Location"]
    before = [expires(sqlite_site, each) for each in (path, first)]
    time.sleep(1.1)
    assert patch(sqlite_site, second, 0, b"tw").status == 204
    for old, each in zip(before, (path, first), strict=True):
        assert expires(sqlite_site, each) > old
    last = patch(sqlite_site, second, 2, b"o")
    assert last.headers["Upload-Expires"]


def expires(site: Site, path: str) -> datetime:
    return parsedate_to_datetime(head(site, path).headers["Upload-Expires"])


def test_the_last_part_and_the_final_upload_at_once(plain_site: Site) -> None:
    """Concatenation-unfinished: both see that all parts are there; one of them joins."""
    for _ in range(12):
        first, second = part(plain_site, b"one"), part(plain_site, b"two", send=False)
        with ThreadPoolExecutor() as pool:
            sent = pool.submit(patch, plain_site, second, 0, b"two")
            made = pool.submit(final, plain_site, [first, second]).result()
        assert sent.result().status == 204
        assert made.status == 201, made.body
        path = made.headers["Location"]
        wait_for(lambda where=path: "Upload-Offset" in head(plain_site, where).headers)  # type: ignore[misc]
        assert content(plain_site, path) == b"onetwo"


def test_a_final_upload_whose_part_has_ended_ends_too(plain_site: Site) -> None:
    """It would wait for ever."""
    first, second = part(plain_site, b"one"), part(plain_site, b"two", send=False)
    path = final(plain_site, [first, second]).headers["Location"]
    assert head(plain_site, path).status == 200
    assert ask(plain_site, "DELETE", second, TUS).status == 204
    for _ in range(2):
        answer = head(plain_site, path)
        assert (answer.status, answer.headers["Upload-Offset"]) == (410, None)


def test_a_joining_that_was_left_midway(sqlite_site: Site) -> None:
    """A crash came while the parts were copied: whoever asks next goes on where it stopped."""
    parts = [part(sqlite_site, b"hello"), part(sqlite_site, b" world")]
    path = final(sqlite_site, parts).headers["Location"]
    name = identifier(path)
    os.truncate(sqlite_site.data_dir / "uploads" / name[:2] / name, 7)
    sqlite_site.shell(
        "from datetime import timedelta; from django.utils import timezone\n"
        "from uploads.models import Upload\n"
        "now = timezone.now()\n"
        f"Upload.objects.filter(pk='{name}').update(state='receiving', finished=None, "
        "last_activity=now - timedelta(minutes=1), expires=now + timedelta(hours=1))"
    )
    assert head(sqlite_site, path).offset == 11
    assert content(sqlite_site, path) == b"hello world"


@pytest.mark.parametrize("left", [None, 2])
def test_parts_whose_bytes_were_lost(plain_site: Site, left: int | None) -> None:
    """Somebody removed or cut the file: the final upload is refused, and leaves nothing behind."""
    parts = [part(plain_site, b"first"), part(plain_site, b"second")]
    file = plain_site.data_dir / "uploads" / identifier(parts[1])[:2] / identifier(parts[1])
    os.truncate(file, left) if left is not None else file.unlink()
    before = set((plain_site.data_dir / "uploads").glob("*/*"))
    assert final(plain_site, parts).status == 410
    assert set((plain_site.data_dir / "uploads").glob("*/*")) == before


def nameless(site: Site) -> list[str]:
    """Jobs of files without a name, as parts are."""
    rows = site.http.get(f"{site.url}/task/all", timeout=20).json()["tasks"]
    return [row["identifier"] for row in rows if not row["file_name"]]


def test_the_joined_recording_is_judged_not_its_parts(site: Site, tmp_path: Path) -> None:
    """With UPLOADS_ACCEPT=media: parts have neither name nor head; the final upload has."""
    data = recordings.write(tmp_path / "speech.mp3", recordings.speech()).read_bytes()
    before = nameless(site)
    parts = [part(site, data[:300]), part(site, data[300:])]
    name = {"Upload-Metadata": "filename " + base64.b64encode(b"speech.mp3").decode()}
    bad = {"Upload-Metadata": "filename " + base64.b64encode(b"notes.txt").decode()}
    assert final(site, parts, **bad).status == 415
    made = final(site, parts, **name)
    assert made.status == 201
    assert site.wait_for_task(made.headers["X-Task-Id"])["status"] == "completed"
    assert nameless(site) == before  # no part became a job
    refused = final(site, [part(site, recordings.png() + bytes(2000))], **name)
    assert refused.status == 415
    assert b"PNG" in refused.body


@pytest.mark.proof
@pytest.mark.alone
def test_parts_are_joined_as_fast_as_a_file_is_copied(sqlite_site: Site) -> None:
    """Four parts of 256 MiB: the whole POST beside one copy of as many bytes on the same disk."""
    block = os.urandom(64 * 2**20)
    parts = []
    for _ in range(4):
        path = created(sqlite_site, 4 * len(block), **{"Upload-Concat": "partial"})
        for turn in range(4):
            assert patch(sqlite_site, path, turn * len(block), block).status == 204
        parts.append(path)
    store = sqlite_site.data_dir / "uploads"
    joined, copied = [], []
    for _ in range(5):
        began = time.monotonic()
        answer = final(sqlite_site, parts)
        joined.append(time.monotonic() - began)
        assert answer.status == 201
        name = identifier(answer.headers["Location"])
        began = time.monotonic()
        shutil.copyfile(store / name[:2] / name, store / "copy")
        copied.append(time.monotonic() - began)
        (store / "copy").unlink()
        assert sqlite_site.http.delete(f"{sqlite_site.url}{answer.headers['Location']}").ok
    join, copy = statistics.median(joined), statistics.median(copied)
    print(f"\n1 GiB: joined in {join:.2f} s, copied in {copy:.2f} s, {join / copy:.2f} times")
    # The rest is the request itself, and a margin for a machine that does other things.
    assert join < 1.5 * copy + 0.1

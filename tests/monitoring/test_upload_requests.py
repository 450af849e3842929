"""Upload requests are counted, whichever process serves them."""

from __future__ import annotations

from functools import partial

import psutil
import requests

from tests.monitoring.reading import Reader
from tests.running import Site, wait_for
from tests.uploads.conftest import created, head, patch, patching
from tests.uploads.wire import DATA, TUS, Wire, ask

PATCHES = "upload_patch_duration_seconds_count"
FEW = 20  # the kernel spreads so many connections over two processes


def web_processes(site: Site) -> list[psutil.Process]:
    """The processes that serve requests: those of gunicorn without children."""
    found = site.running("gunicorn")
    parents = {process.ppid() for process in found}
    return [process for process in found if process.pid not in parents]


def files_of(site: Site) -> set[int]:
    """The processes that have files."""
    return {int(path.stem) for path in (site.data_dir / "metrics").glob("*.counts")}


def test_the_counts_of_two_processes_are_added_up(counted: Site) -> None:
    """Each request has a connection of its own."""
    reader = Reader(counted)
    for _ in range(FEW):
        path = created(counted, 100)
        assert patch(counted, path, 0, b"x" * 60).status == 204
        assert patch(counted, path, 60, b"x" * 40).status == 204
    processes = {process.pid for process in web_processes(counted)}
    assert len(processes) == 2 and processes == files_of(counted)
    for _ in range(4):  # both processes tell the same
        assert reader.added(PATCHES) == 2 * FEW
        assert reader.added("upload_received_bytes_total") == 100 * FEW
        assert reader.added("uploads", state="finished") == FEW
    assert reader.added("upload_interruptions_total") == 0
    assert reader.added("upload_resumes_total") == 0
    assert reader.added("upload_patch_duration_seconds_bucket", le="+Inf") == 2 * FEW
    assert 0 < reader.added("upload_patch_duration_seconds_sum") < 60
    assert reader.added("disk_used_bytes", kind="uploads") == 100 * FEW


def test_bytes_with_the_creation_count(counted: Site) -> None:
    reader = Reader(counted)
    fields = {**DATA, "Upload-Length": "9", "Content-Length": "5"}
    assert ask(counted, "POST", "/uploads/files/", fields, b"12345").status == 201
    assert reader.added("upload_received_bytes_total") == 5
    assert reader.added("uploads", state="receiving") == 1
    assert reader.added(PATCHES) == 0


def test_an_overridden_method_counts_as_what_it_means(counted: Site) -> None:
    reader = Reader(counted)
    path = created(counted, 3)
    fields = {**patching(0, 3), "X-HTTP-Method-Override": "patch"}
    assert ask(counted, "POST", path, fields, b"abc").status == 204
    assert (reader.added(PATCHES), reader.added("upload_received_bytes_total")) == (1, 3)


def test_requests_of_browsers_count_too(counted: Site) -> None:
    """They take another way through the site."""
    reader = Reader(counted)
    path = created(counted, 3)
    assert patch(counted, path, 0, b"abc", Cookie="theme=dark").status == 204
    assert (reader.added(PATCHES), reader.added("upload_received_bytes_total")) == (1, 3)


def test_refusals_have_a_reason(counted: Site) -> None:
    reader = Reader(counted)
    path = created(counted, 9)
    assert patch(counted, path, 5, b"1234").status == 409
    assert patch(counted, path, 0, b"0123456789").status == 413
    assert patch(counted, path, "none", b"1").status == 400
    assert head(counted, "/uploads/files/" + "0" * 32).status == 404
    assert ask(counted, "HEAD", path, {**TUS, "Authorization": ""}).status == 401
    wrong = {"Upload-Checksum": "sha1 " + "A" * 27 + "="}
    assert patch(counted, path, 0, b"1", **wrong).status == 460
    expected = ("offset_conflict", "too_large", "malformed", "not_found", "no_access", "checksum")
    for reason in expected:
        assert reader.added("upload_refusals_total", reason=reason) == 1, reason
    assert reader.added("upload_refusals_total", reason="disk_full") == 0
    assert reader.added("upload_received_bytes_total") == 0
    assert reader.added(PATCHES) == 4


def test_an_interruption_and_its_resume(counted: Site) -> None:
    reader = Reader(counted)
    path = created(counted, 1000)
    with Wire(counted) as wire:
        wire.head("PATCH", path, patching(0, 1000))
        wire.send(b"x" * 400)
        wire.reset()
    wait_for(lambda: reader.added("upload_interruptions_total") == 1)
    assert reader.added("upload_received_bytes_total") == 400
    assert head(counted, path).offset == 400
    assert reader.added("upload_resumes_total") == 1
    assert patch(counted, path, 400, b"x" * 600).status == 204
    assert head(counted, path).offset == 1000  # it is finished, so nothing is resumed
    assert reader.added("upload_resumes_total") == 1
    assert reader.added("upload_interruptions_total") == 1
    assert reader.added("upload_received_bytes_total") == 1000
    assert reader.added("uploads", state="finished") == 1


def test_what_a_killed_process_counted_stays_and_its_files_are_used_again(counted: Site) -> None:
    for _ in range(FEW):
        assert patch(counted, created(counted, 1), 0, b"x").status == 204
    reader, number = Reader(counted), len(files_of(counted))
    for _ in range(3):
        old = {process.pid for process in web_processes(counted)}
        for process in web_processes(counted):
            process.kill()
        wait_for(partial(renewed, counted, old))
        for _ in range(FEW):
            assert patch(counted, created(counted, 1), 0, b"x").status == 204
    assert reader.added(PATCHES) == 3 * FEW
    assert len(files_of(counted)) <= number


def renewed(site: Site, old: set[int]) -> bool:
    """Whether two other processes serve."""
    new = {process.pid for process in web_processes(site)} - old
    try:
        return len(new) == 2 and requests.get(site.url + "/health", timeout=5).ok
    except requests.RequestException:
        return False

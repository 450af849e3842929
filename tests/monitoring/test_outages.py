"""What is shown while the database or the disk fails."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.monitoring.conftest import COUNTED, MONITOR
from tests.monitoring.reading import Reader, ask_from, figures_of, text_of
from tests.running import Site, wait_for
from tests.uploads.conftest import created, patch
from whisperx_site.monitoring import counted_requests, counter_files, counters


def test_without_a_database_the_counters_are_there(new_site: Callable[..., Site]) -> None:
    site = new_site(**COUNTED).start()
    assert patch(site, created(site, 3), 0, b"abc").status == 204
    database = site.data_dir / "db.sqlite3"
    database.rename(database.with_suffix(".hidden"))
    database.mkdir()  # else a connection would make an empty one

    def told() -> str:
        text = ask_from(site, MONITOR).text
        return text if "whisperx_database_up 0.0" in text else ""

    figures = figures_of(wait_for(told))
    assert figures["whisperx_upload_received_bytes_total", frozenset()] == 3
    assert ("whisperx_uploads", frozenset({("state", "finished")})) not in figures


def test_a_start_begins_at_nothing(new_site: Callable[..., Site]) -> None:
    site = new_site(**COUNTED).start()
    assert patch(site, created(site, 3), 0, b"abc").status == 204
    assert Reader(site).now("upload_received_bytes_total") == 3
    site.stop()
    site.start()
    assert Reader(site).now("upload_received_bytes_total") == 0
    assert "whisperx_upload_refusals_total" in text_of(site)


@pytest.fixture
def folder(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the counters of this process."""
    settings.METRICS_DIR = tmp_path / "metrics"
    monkeypatch.setattr(counters._Mine, "pid", 0)
    return tmp_path / "metrics"


def test_a_process_without_files_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the first write to a mapped file without blocks would kill it."""
    folder.write_text("no folder")
    assert counters.of_this_process() is None
    folder.unlink()
    assert counters.of_this_process() is None  # it doesn't try with each request
    monkeypatch.setattr(counters._Mine, "retry_at", 0.0)
    assert counters.of_this_process() is not None
    (file,) = folder.iterdir()
    assert file.stat().st_blocks * 512 >= counter_files.FILE_BYTES


def test_the_file_of_an_ended_process_is_used_again(folder: Path) -> None:
    folder.mkdir()
    ended, other = (counter_files.file_of(2**22 + number) for number in (1, 2))  # no process's
    ended.write_bytes(b"counts")
    counter_files.file_of(1).write_bytes(b"of one that runs")
    own = counter_files.claim()
    assert not ended.exists()
    other.write_bytes(b"others")
    assert counter_files.claim() == own  # it has one
    kept = {path.read_bytes() for path in folder.iterdir()}
    assert own.read_bytes() == b"counts" and kept == {b"counts", b"of one that runs", b"others"}
    counter_files.forget()
    assert not list(folder.iterdir())


def test_files_are_added_up(folder: Path) -> None:
    mine = counters.of_this_process()
    assert mine
    mine.add(counters.BYTES, 5)
    mine.refused(409)
    mine.refused(499)
    values = array("d", bytes(counter_files.FILE_BYTES))
    values[counters.BYTES], values[counters.PLACE_OF_REASON["other"]] = 2.0**52, 7
    counter_files.file_of(1).write_bytes(values)
    sums = counter_files.sums()
    assert sums[counters.BYTES] == 2**52 + 5
    reasons = {reason: sums[place] for reason, place in counters.PLACE_OF_REASON.items()}
    assert reasons.pop("offset_conflict") == 1
    assert reasons.pop("other") == 8
    assert not any(reasons.values())


def test_durations_have_their_places(folder: Path) -> None:
    """The upper edge of each belongs to it, as Prometheus has it."""
    mine = counters.of_this_process()
    assert mine
    for seconds in (0.001, 0.005, 0.006, 2.5, 9999):
        mine.took(seconds)
    (duration,) = (one for one in counted_requests.collect() if one.type == "histogram")
    buckets = {one.labels["le"]: one.value for one in duration.samples if "le" in one.labels}
    assert [buckets[edge] for edge in ("0.005", "0.01", "1.0", "2.5", "1800.0", "+Inf")] == [
        *(2, 3, 3, 4, 4, 5)
    ]
    values = {one.name: one.value for one in duration.samples if not one.labels}
    assert values["whisperx_upload_patch_duration_seconds_count"] == 5
    assert values["whisperx_upload_patch_duration_seconds_sum"] == pytest.approx(10001.512)

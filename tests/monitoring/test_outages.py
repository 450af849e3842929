"""What is shown while the database or the disk fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.monitoring.conftest import COUNTED, MONITOR
from tests.monitoring.reading import Reader, ask_from, figures_of, text_of
from tests.running import Site, wait_for
from tests.uploads.conftest import created, patch
from whisperx_site.monitoring import counter_files, counters


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
    files = list(folder.glob("*.db"))
    assert len(files) == 2
    for file in files:
        assert file.stat().st_blocks * 512 >= counter_files.FILE_BYTES


def test_files_of_an_ended_process_are_used_again(folder: Path) -> None:
    folder.mkdir()
    for kind in counter_files.KINDS:
        counter_files.file_of(kind, 2**22 + 1).write_bytes(b"counts")  # no process has this number
        counter_files.file_of(kind, 1).write_bytes(b"of one that runs")
    counter_files.claim()
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(kept.values()) == [b"counts"] * 2 + [b"of one that runs"] * 2
    assert not [name for name in kept if str(2**22 + 1) in name]
    other = counter_files.file_of("counter", 2**22 + 2)
    other.write_bytes(b"others")
    counter_files.claim()  # has files
    assert other.exists()
    assert {path.name: path.read_bytes() for path in folder.iterdir()}.items() >= kept.items()
    counter_files.forget()
    assert not list(folder.iterdir())

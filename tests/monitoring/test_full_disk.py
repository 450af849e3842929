"""Requests are served although nothing can be counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.conftest import COUNTED
from tests.monitoring.reading import names_in, text_of
from tests.uploads.conftest import head
from tests.uploads.small_disk import SmallDisk, mounting

pytestmark = pytest.mark.proof


def test_a_process_that_finds_no_room_for_its_counts_lives(tmp_path: Path) -> None:
    mounting()
    disk = SmallDisk(tmp_path / "data", "size=96m,nr_inodes=2000", **COUNTED)
    site = disk.site
    try:
        site.start()  # no upload request yet, so no process has a file
        with disk.full():
            for _ in range(20):
                assert head(site, "/uploads/files/" + "0" * 32).status == 404
            names = names_in(text_of(site))
        assert "whisperx_disk_free_bytes" in names
        assert "whisperx_upload_refusals_total" not in names
        log = site.log.read_text()
        assert "requests are not counted at the moment" in log
        assert log.count("Booting worker") == 2
    finally:
        disk.end()

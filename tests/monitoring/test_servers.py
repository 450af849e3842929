"""Figures on the other database, and on the other web server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.monitoring.conftest import COUNTED
from tests.monitoring.reading import Reader, names_in, text_of
from tests.running import Site
from tests.uploads.conftest import created, patch

pytestmark = pytest.mark.proof
FEW = 20


def test_postgresql(new_site: Callable[..., Site], postgres_url: str, counted: Site) -> None:
    site = new_site(**COUNTED, DATABASE_URL=postgres_url).start()
    reader = Reader(site)
    assert patch(site, created(site, 3), 0, b"abc").status == 204
    assert reader.added("uploads", state="finished") == 1
    assert reader.added("disk_used_bytes", kind="uploads") == 3
    assert reader.now("disk_used_bytes", kind="database") > 2**20
    assert reader.now("database_up") == 1
    of_sqlite = {name for name in names_in(text_of(counted)) if "_job_" not in name}
    assert of_sqlite <= names_in(text_of(site))


def test_granian(new_site: Callable[..., Site]) -> None:
    site = new_site(**COUNTED, WEB_SERVER="granian").start()
    reader = Reader(site)
    for _ in range(FEW):
        assert patch(site, created(site, 3), 0, b"abc").status == 204
    for _ in range(4):
        assert reader.added("upload_received_bytes_total") == 3 * FEW
    assert len(list((site.data_dir / "metrics").glob("*.counts"))) == 2

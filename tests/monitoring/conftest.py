"""A site with figures, and two web processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running import Site

MONITOR = "127.0.0.2"
COUNTED = {
    "METRICS": "1",
    "METRICS_ALLOWED_NETWORKS": f"{MONITOR},10.0.0.0/8",
    "WEB_WORKERS": "2",
    "UPLOADS_ACCEPT": "any",
    "CACHE_URL": "dummycache://",  # so that no figure is kept
}


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with METRICS."""
    running = Site(tmp_path_factory.mktemp("counted") / "data", fresh=False, **COUNTED).start()
    yield running
    running.kill_everything()

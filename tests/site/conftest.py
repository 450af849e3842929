"""Sites with other access settings than the shared one."""

from collections.abc import Iterator

import pytest

from tests.running import Site


@pytest.fixture(scope="session")
def closed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that other machines can reach."""
    running = Site(tmp_path_factory.mktemp("closed") / "data", HOST="0.0.0.0").start()
    yield running
    running.kill_everything()


@pytest.fixture(scope="session")
def anonymous_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that serves everyone without login."""
    running = Site(tmp_path_factory.mktemp("anonymous") / "data", ALLOW_ANONYMOUS="1").start()
    yield running
    running.kill_everything()

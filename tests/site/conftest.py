"""Sites with other doors than the shared one's."""

from collections.abc import Iterator

import pytest

from tests.running import Site


@pytest.fixture(scope="session")
def closed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that other machines can reach: everybody signs in."""
    running = Site(tmp_path_factory.mktemp("closed") / "data", HOST="0.0.0.0").start()
    yield running
    running.kill_everything()

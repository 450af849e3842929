"""Sites that answer the contract, and servers that they talk to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.running import Site

from .servers import Answer, Server, running


@pytest.fixture(scope="session")
def open_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that may go to this machine for its clients, and gives decoders little memory."""
    folder = tmp_path_factory.mktemp("open")
    site = Site(folder / "data", SSRF_PROTECTION_ENABLED="false", DECODER_MEMORY="200MiB").start()
    yield site
    site.kill_everything()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:

        def start(*script: int | Answer, tls: bool = False) -> Server:
            server = Server(*script)
            return stack.enter_context(running(server.with_tls() if tls else server))

        yield start

"""Sites that answer the contract, and servers that they talk to."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import LazySettings

from tests.running import Site

from .kept import MAKE
from .servers import Answer, Server, running

real_getaddrinfo = socket.getaddrinfo


@pytest.fixture(scope="session")
def open_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that may go to this machine for its clients, and gives decoders little memory."""
    folder = tmp_path_factory.mktemp("open")
    site = Site(folder / "data", SSRF_PROTECTION_ENABLED="false", DECODER_MEMORY="200MiB").start()
    yield site
    site.kill_everything()


@pytest.fixture(scope="session")
def kept(site: Site) -> dict[str, str]:
    """The identifiers of tasks made by hand, by their names, the oldest first."""
    made: dict[str, str] = json.loads(site.shell(MAKE))
    return made


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:

        def start(*script: int | Answer, tls: bool = False) -> Server:
            server = Server(*script)
            return stack.enter_context(running(server.with_tls() if tls else server))

        yield start


@pytest.fixture
def unguarded(settings: LazySettings) -> None:
    settings.SSRF_PROTECTION_ENABLED = False


@pytest.fixture
def loopback_allowed(settings: LazySettings) -> None:
    """Guarded, but 127.0.0.1 is for the test what the public network is elsewhere."""
    settings.SSRF_BLOCKED_NETWORKS = ["127.0.0.2/32", "10.0.0.0/8", "169.254.0.0/16"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What names stand for: at each look the next of their lists, the last for ever."""
    known: dict[str, list[list[str]]] = {}

    def look(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        answers = known.get(str(host))
        if answers is None:
            return real_getaddrinfo(host, port, *rest, **more)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for one in found for entry in real_getaddrinfo(one, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return known

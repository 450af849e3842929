"""PostgreSQL has few connections, and may go away for a moment."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import POSTGRES
from tests.running import Site, text_of, wait_for
from tests.speech import recordings

pytestmark = pytest.mark.proof
SLOW_CLIENTS = 120


@pytest.fixture(scope="module")
def server() -> Iterator[psycopg.Connection]:
    """A connection to the server, not to the site's database."""
    address = POSTGRES.replace("postgres://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def site_on_postgresql(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("postgresql")
    running = Site(folder / "data", UPLOADS_ACCEPT="any", DATABASE_URL=new_database()).start()
    yield running
    running.stop()


def connections_to(server: psycopg.Connection, site: Site) -> int:
    """How many the site holds."""
    name = site.environment["DATABASE_URL"].rpartition("/")[2]
    found = server.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name])
    row = found.fetchone()
    assert row
    return int(row[0])


def test_many_slow_uploads_share_few_connections(
    server: psycopg.Connection, site_on_postgresql: Site
) -> None:
    site = site_on_postgresql
    addresses = [site.create(1 << 20, {"filename": "x.bin"}) for _ in range(SLOW_CLIENTS)]
    clients = []
    for address in addresses:
        client = socket.create_connection(("127.0.0.1", site.port))
        client.sendall(
            f"PATCH {address.removeprefix(site.url)} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {site.key}\r\n"
            "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 1048576\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
            + bytes(1000)
        )
        clients.append(client)
    time.sleep(3)
    began = time.monotonic()
    assert site.http.get(f"{site.url}/task/all", timeout=30).status_code == 200
    assert time.monotonic() - began < 5
    assert connections_to(server, site) < 60
    for client in clients:
        client.close()
    for address in addresses:
        wait_for(lambda address=address: site.offset(address) == 1000, 30)  # type: ignore[misc]
    assert "Traceback" not in site.log.read_text()


def test_cut_connections_to_the_database_are_made_anew(
    server: psycopg.Connection, site_on_postgresql: Site, tmp_path: Path
) -> None:
    site = site_on_postgresql
    name = site.environment["DATABASE_URL"].rpartition("/")[2]
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    for _ in range(3):
        server.execute(cut, [name])
        time.sleep(1)
    # The pool gives up its dead connections one after the other, a second or more for each.
    wait_for(lambda: all(site.post(9).status_code == 201 for _ in range(4)), 120)
    identifier = str(uuid.uuid4())
    site.upload(recordings.write(tmp_path / "go.wav", recordings.speech()), taskId=identifier)
    assert "forward" in text_of(site.wait_for_task(identifier, 120))

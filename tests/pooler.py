"""PgBouncer before PostgreSQL, in transaction mode: each transaction may get another connection."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.programs import needed
from tests.running import free_port, wait_for

SIZE = 4  # connections to the server
CONFIGURATION = """
[databases]
* = host={host} port={server_port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 300
server_round_robin = 1
"""


@contextmanager
def pgbouncer(url: str, folder: Path) -> Iterator[str]:
    """Runs PgBouncer; yields the database's URL behind it.

    Its few connections are used in turn, so a test soon notices what a client leaves on one.
    """
    parts = urlsplit(url)
    port = free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(
            host=parts.hostname,
            server_port=parts.port or 5432,
            user=parts.username,
            port=port,
            size=SIZE,
        )
    )
    # It refuses to run as root.
    other_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [*(other_user if os.geteuid() == 0 else []), needed("pgbouncer"), "/dev/stdin"],
            stdin=configuration.open("rb"),
            stdout=log,
            stderr=log,
        )
    try:
        through = parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}").geturl()
        wait_for(lambda: process.poll() is not None or answers(through), 20, what="PgBouncer")
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        fill_pool(through)
        yield through
    finally:
        process.terminate()
        process.wait(10)


def fill_pool(url: str) -> None:
    """Opens all its connections: a single client would always get the same one, and find no
    error."""
    with ExitStack() as clients:
        for _ in range(SIZE):
            client = clients.enter_context(psycopg.connect(standard(url)))
            client.execute("SELECT 1")  # begins a transaction, which holds the connection


def standard(url: str) -> str:
    """The URL as the driver spells it."""
    return url.replace("postgres://", "postgresql://")


def answers(url: str) -> bool:
    """Whether a database accepts connections."""
    try:
        psycopg.connect(standard(url), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True

"""Sites that tests share: real processes, started once a test session (and once a worker)."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.running import Site

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def postgres_problem() -> str:
    """Why PostgreSQL cannot be tested here, or an empty text."""
    try:
        psycopg.connect(POSTGRES.replace("postgres://", "postgresql://"), connect_timeout=3).close()
    except psycopg.OperationalError as problem:
        return f"no PostgreSQL at {POSTGRES}: {problem}"
    return ""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh database, dropped at the end. Absent PostgreSQL skips, in CI it fails."""
    problem = postgres_problem()
    if problem:
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    name = f"site_test_{uuid.uuid4().hex[:12]}"
    server = POSTGRES.replace("postgres://", "postgresql://")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield POSTGRES.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the default settings and the built-in engine, on SQLite."""
    running = Site(tmp_path_factory.mktemp("site") / "data").start()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def plain_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site that stores everything (UPLOADS_ACCEPT=any), on each database."""
    environment = {"UPLOADS_ACCEPT": "any"}
    if request.param == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    running = Site(tmp_path_factory.mktemp(request.param) / "data", **environment).start()
    yield running
    running.stop()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes sites of a test's own (not started), and stops what it leaves running."""
    made: list[Site] = []

    def make(**environment: str) -> Site:
        made.append(Site(tmp_path / f"data{len(made)}", **environment))
        return made[-1]

    yield make
    for one in made:
        one.kill_everything()

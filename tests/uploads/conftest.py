"""Shared by the tests of uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.running import Site
from tests.uploads.wire import DATA, Answer, ask

ROOT = "/uploads/files/"


@pytest.fixture(scope="session")
def sqlite_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that stores everything (UPLOADS_ACCEPT=any), on SQLite."""
    running = Site(tmp_path_factory.mktemp("sqlite") / "data", UPLOADS_ACCEPT="any").start()
    yield running
    running.kill_everything()


@pytest.fixture(scope="session")
def postgresql_site(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[Site]:
    """The same on PostgreSQL."""
    data = tmp_path_factory.mktemp("postgresql") / "data"
    running = Site(data, UPLOADS_ACCEPT="any", DATABASE_URL=new_database()).start()
    yield running
    running.kill_everything()


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)]
)
def plain_site(request: pytest.FixtureRequest) -> Site:
    """A site on each database in turn; both stay up, so that files of tests need not start them
    again. PostgreSQL's turn is `make proof`."""
    running: Site = request.getfixturevalue(f"{request.param}_site")
    return running


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with short timeouts, and with a size limit above any disk."""
    running = Site(
        tmp_path_factory.mktemp("hurried") / "data",
        UPLOADS_ACCEPT="any",
        UPLOADS_IDLE_TIMEOUT="2",
        UPLOADS_EXPIRE_AFTER="4",
        UPLOADS_MAX_OPEN="20",
        UPLOADS_MAX_SIZE=str(10**16),
    ).start()
    yield running
    running.kill_everything()


def created(site: Site, length: int, **headers: str) -> str:
    """POST; the path of the new upload."""
    fields = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length), **headers}
    answer = ask(site, "POST", ROOT, fields)
    assert answer.status == 201, (answer.status, answer.body)
    return str(answer.headers["Location"])


def head(site: Site, path: str) -> Answer:
    return ask(site, "HEAD", path, {"Tus-Resumable": "1.0.0"})


def patching(offset: int | str, length: int | None = 0, **headers: str) -> dict[str, str]:
    """Headers of a tus PATCH; a length of None means chunks."""
    how = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
    return {**DATA, "Upload-Offset": str(offset), **how, **headers}


def patch(site: Site, path: str, offset: int | str, body: bytes = b"", **headers: str) -> Answer:
    return ask(site, "PATCH", path, patching(offset, len(body), **headers), body)


def content(site: Site, path: str) -> bytes:
    """The bytes of a finished upload."""
    response = site.http.get(site.url + path, timeout=30)
    assert response.status_code == 200, (response.status_code, response.text)
    return response.content

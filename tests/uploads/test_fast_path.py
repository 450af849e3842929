"""The two ways to the views of uploads: for browsers and for tools; and many clients at once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.running import Site, wait_for
from tests.uploads.conftest import ROOT, created, head, patch, patching
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask, identifier

OF_THIS_ANSWER = {"Date", "Location", "Upload-Expires"}
CROWD = 150


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """What should be the same whichever way a request took."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THIS_ANSWER}
    # The whole chain leaves Cookie out where it refuses before it looks for a session.
    assert "origin" in headers.pop("Vary")
    return answer.status, headers, answer.body


@pytest.mark.parametrize(
    ("method", "place", "headers", "body"),
    [
        ("POST", "", {**TUS, "Upload-Length": "5"}, b""),
        ("POST", "", {**DATA, "Upload-Length": "5", "Content-Length": "5"}, b"whole"),
        ("POST", "", {**TUS, "Upload-Length": "five"}, b""),
        ("POST", "", {**TUS, "X-HTTP-Method-Override": "PUT"}, b""),
        ("PATCH", "new", patching(0, 2), b"ab"),
        ("PATCH", "new", patching(3, 2), b"ab"),
        ("HEAD", "new", TUS, b""),
        ("HEAD", "new", {**TUS, "Tus-Resumable": "0.2"}, b""),
        ("HEAD", "new", {}, b""),
        ("HEAD", "f" * 32, TUS, b""),
        ("HEAD", "no/such/address", TUS, b""),
        ("HEAD", "new", {**TUS, "Authorization": ""}, b""),
        ("OPTIONS", "", {"Authorization": ""}, b""),
        ("HEAD", "new", {**TUS, "Authorization": "Bearer wxs_unknown"}, b""),
        ("OPTIONS", "", {}, b""),
        ("DELETE", "new", TUS, b""),
    ],
)
def test_tools_are_answered_as_browsers_are(
    sqlite_site: Site, method: str, place: str, headers: dict[str, str], body: bytes
) -> None:
    """A cookie that means nothing sends a request through the whole chain, and changes nothing."""
    answers = []
    for cookie in ({}, {"Cookie": "theme=dark"}):
        path = created(sqlite_site, 5) if place == "new" else ROOT + place
        answers.append(told(ask(sqlite_site, method, path, {**headers, **cookie}, body)))
    assert answers[0] == answers[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def crowded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A site with few database connections."""
    environment = {"UPLOADS_ACCEPT": "any", "WEB_WORKERS": "1", "DATABASE_POOL": "3"}
    if request.param == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    running = Site(tmp_path / "data", fresh=False, **environment).start()
    yield running
    running.stop()


@pytest.mark.proof
def test_a_crowd_of_slow_clients_does_not_hold_the_database(crowded: Site) -> None:
    """Clients whose bodies go on hold no connection meanwhile, though their rows are kept up."""
    with ExitStack() as stack:
        wires = []
        for _ in range(CROWD):
            path = created(crowded, 100)
            wire = stack.enter_context(Wire(crowded, 60))
            wire.head("PATCH", path, patching(0, 100))
            wire.send(b"a")
            wires.append((path, wire))
        wait_for(lambda: stands(crowded, 1) == CROWD, what="the first byte of each")
        # A request notes in its row what comes a second after its start; of so many at once each
        # waits half a second longer, as a hundred of them are noted a second.
        time.sleep(2)
        for _, wire in wires:
            wire.send(b"b")
        wait_for(lambda: noted(crowded, 2) == CROWD, what="the second byte in each row")
        if "DATABASE_URL" not in crowded.environment:
            assert database_files(crowded) < CROWD
        assert head(crowded, created(crowded, 100)).status == 200
        for _, wire in wires:
            wire.send(b"c" * 98)
        for path, wire in wires:
            assert wire.answer("PATCH").offset == 100, path


@pytest.mark.proof
def test_clients_that_take_their_time_do_not_hold_the_database(crowded: Site) -> None:
    """Some go on sending what was refused, some read a file slowly: others are served meanwhile."""
    path = created(crowded, 100)
    whole = created(crowded, 20_000_000)
    assert patch(crowded, whole, 0, bytes(20_000_000)).status == 204
    with ExitStack() as stack:
        for _ in range(10):
            wire = stack.enter_context(Wire(crowded, 60))
            wire.head("PATCH", path, {**patching(0, 5_000_000), "Content-Type": "text/plain"})
            assert wire.answer().status == 415
            wire = stack.enter_context(Wire(crowded, 60))
            wire.head("GET", whole)
            assert wire.reader.readline() == b"HTTP/1.1 200 OK\r\n"
        began = time.monotonic()
        assert [head(crowded, path).status for _ in range(5)] == [200] * 5
        assert time.monotonic() - began < 4  # DRAIN_SILENCE ends what would hold them up at 5


@pytest.mark.proof
def test_another_database_file_is_not_missed(tmp_path: Path) -> None:
    """Somebody puts a copy in its place: no connection to the old one is used again."""
    site = Site(tmp_path / "data", UPLOADS_ACCEPT="any", WEB_WORKERS="1").start()
    try:
        file = site.data_dir / "db.sqlite3"
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(site)) for _ in range(3)]
            for wire in wires:
                wire.head("HEAD", ROOT + "f" * 32, TUS)
                assert wire.answer("HEAD").status == 404
            copy = site.data_dir / "copy.sqlite3"
            with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(copy)) as new:
                old.backup(new)
            for belongs_to_old in ("-wal", "-shm"):
                file.with_name(file.name + belongs_to_old).unlink(missing_ok=True)
            copy.replace(file)
            created(site, 5)
        time.sleep(0.5)  # the site notices that the three have gone
        paths = [created(site, 5) for _ in range(6)]
        with closing(sqlite3.connect(file)) as database:
            found = {row[0] for row in database.execute("SELECT id FROM uploads_upload")}
        assert {identifier(path) for path in paths} <= found
    finally:
        site.kill_everything()


def stands(site: Site, size: int) -> int:
    """How many files have so many bytes."""
    files = (site.data_dir / "uploads").glob("??/*")
    return sum(file.suffix == "" and file.stat().st_size == size for file in files)


def noted(site: Site, offset: int) -> int:
    """How many rows tell so many bytes."""
    code = (
        f"from uploads.models import Upload as U; print(U.objects.filter(offset={offset}).count())"
    )
    return int(site.shell(code))


def database_files(site: Site) -> int:
    """How often the site's processes have SQLite's file open."""
    name = str(site.data_dir / "db.sqlite3")
    return sum(file.path == name for member in site.processes() for file in member.open_files())

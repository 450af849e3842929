"""Sites that tests share: real processes, started once a test session (and once a worker)."""

import gc
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from playwright.sync_api import Browser

from tests import running
from tests.browser import launched
from tests.running import Site
from tests.seed import SEED
from tests.speech import recordings
from tests.unit import Unit

# A shell without job control lets what it starts in the background ignore Ctrl-C, and a process
# whose parent ignores it does so, too: what tests interrupt would not end.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Otherwise each worker would compile all tests again, and each process of each site all its
# modules.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

hypothesis.settings.register_profile("tests", hypothesis.settings(), print_blob=True)
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--unit", action="store_true", help="tests that start nothing, see unit.py")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Lets Hypothesis use the seed of the run, too, unless it was given its own."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SEED)
    if config.option.unit:
        config.pluginmanager.register(Unit())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files that take minutes begin first: else one worker is at them while the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of each search for garbage: a tenth of a worker's time."""
    gc.freeze()


def pytest_report_header() -> str:
    return f"seed: {SEED} (TEST_SEED={SEED} repeats it)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Also if the header was not shown, as with -q."""
    if exitstatus:
        terminalreporter.line(pytest_report_header())


POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def postgres_problem() -> str:
    """Why PostgreSQL can't be tested here; empty if it can."""
    try:
        psycopg.connect(POSTGRES.replace("postgres://", "postgresql://"), connect_timeout=3).close()
    except psycopg.OperationalError as problem:
        return f"no PostgreSQL at {POSTGRES}: {problem}"
    return ""


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder that the processes of this session share."""
    own = tmp_path_factory.getbasetemp()
    running.SHARED[:] = [own.parent if "PYTEST_XDIST_WORKER" in os.environ else own]


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """Creates empty databases and returns their URLs; they are dropped at the end of the session.

    Each site needs its own: rows of uploads in another store look like an unmounted disk. Without
    PostgreSQL the tests are skipped; in CI they fail.
    """
    made: list[str] = []
    server = POSTGRES.replace("postgres://", "postgresql://")

    def make() -> str:
        problem = postgres_problem()
        if problem:
            if os.environ.get("CI"):
                pytest.fail(problem)
            pytest.skip(problem)
        made.append(f"site_test_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made[-1]}")
        return POSTGRES.rpartition("/")[0] + f"/{made[-1]}"

    yield make
    for name in made:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(new_database: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return new_database()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the built-in model, on SQLite."""
    shared = Site(tmp_path_factory.mktemp("site") / "data").start()
    yield shared
    shared.kill_everything()  # quicker than stopping it, which other tests check


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Creates sites for one test (not started), and stops those that it leaves running."""
    made: list[Site] = []

    def make(**environment: str) -> Site:
        made.append(Site(tmp_path / f"data{len(made)}", fresh=False, **environment))
        return made[-1]

    yield make
    for one in made:
        one.kill_everything()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser; not for longer than a file, as Django refuses to work beside Playwright's
    loop."""
    with launched() as found:
        yield found


@pytest.fixture(scope="session")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech that the built-in model needs a minute or more for.

    What repeats itself so often is decoded again and again.
    """
    path = tmp_path_factory.mktemp("long") / "long.wav"
    return recordings.write(path, recordings.long_speech(400))

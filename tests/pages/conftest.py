"""A real Chromium under the strict content policy, and people in front of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.reader import FILL, NAME, PASSWORD, opened
from tests.running import Site
from tests.site.people import make_user, signed_in


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test where the console tells of an error or a policy violation."""
    with opened(chromium) as page:
        yield page


@pytest.fixture(scope="session")
def jobs(site: Site) -> dict[str, str]:
    """One job of the reader's in each state, and many that failed; the addresses by state."""
    make_user(site, NAME, PASSWORD)
    made = dict(line.split() for line in site.shell(FILL).strip().splitlines())
    return {state: f"{site.url}/jobs/{key}" for state, key in made.items()}


@pytest.fixture(scope="session")
def cookies(site: Site, jobs: dict[str, str]) -> list[Any]:
    """Of the reader's session."""
    said = signed_in(site, NAME, PASSWORD).cookies
    return [{"name": one, "value": value, "url": site.url} for one, value in said.items()]


@pytest.fixture
def desk(chromium: Browser, cookies: list[Any]) -> Iterator[Page]:
    """A desk's page, signed in; it fails its test where the console tells of an error."""
    with opened(chromium, cookies) as page:
        yield page

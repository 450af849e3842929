"""A real Chromium under the strict content policy, and people in front of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser import browser

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser(), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test where the console tells of an error or a policy violation."""
    context = chromium.new_context(viewport={"width": 1200, "height": 860})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if is_bad(said) else None)
    opened.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield opened
    context.close()
    assert not complaints, complaints


def is_bad(said: ConsoleMessage) -> bool:
    # Uppy and the browser themselves report answers that say no.
    expected = ("net::ERR", "Failed to load resource", "[Uppy]")
    return said.type == "error" and not any(word in said.text for word in expected)

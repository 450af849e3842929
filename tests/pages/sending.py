"""What the tests of uploading by the page do: enter, bring files, press a file's buttons."""

import re
from pathlib import Path

from playwright.sync_api import CDPSession, Locator, Page

from tests.running import Site
from tests.site.people import sign_in
from tests.speech import recordings


def enter(page: Page, site: Site) -> None:
    """The home page of somebody who is signed in."""
    sign_in(page.context, site)
    page.goto(site.url)


def slow_down(page: Page, rate: float) -> CDPSession:
    """Let no more bytes out than `rate` a second; -1 lets all out."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate}
    session.send("Network.emulateNetworkConditions", limits)
    return session


def choose(page: Page, *paths: Path) -> None:
    """By keyboard, but for the system's own window."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="browse files").press("Enter")
    chooser.value.set_files(paths)


def button(page: Page, verb: str) -> Locator:
    return page.get_by_role("button", name=re.compile(f"^{verb}: "))


def large(folder: Path) -> Path:
    return recordings.write(folder / "meeting.wav", recordings.long_speech(300))


def listed(site: Site, name: str) -> list[int]:
    """The offsets of the unfinished uploads of this file."""
    uploads = site.http.get(f"{site.url}/jobs.json", timeout=10).json()["uploads"]
    return [upload["offset"] for upload in uploads if upload["filename"] == name]

"""Finds a Chromium for the tests, and installs one if there is none: `python -m tests.browser`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


def system_browser() -> str | None:
    """The machine's own Chromium or Chrome."""
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (mac if Path(mac).exists() else None)


def playwright_browser() -> str | None:
    """The one that Playwright has downloaded, if any."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def browser() -> str | None:
    """The Chromium to use."""
    return system_browser() or playwright_browser()


@contextmanager
def launched() -> "Iterator[Browser]":
    """A Chromium without windows, which makes no network requests by itself."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser(), args=ARGUMENTS)
        yield found
        found.close()


def install_package(name: str) -> None:
    """Installs a package of Debian's, where that can be done."""
    if shutil.which("apt-get"):
        become_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", name]):
            subprocess.run([*become_root, *command], check=False, stdout=subprocess.DEVNULL)


def main() -> int:
    """Installs one if there is none, or only one with windows, which takes half as long again."""
    if not shutil.which(NAMES[0]):
        install_package(NAMES[0])
    if browser():
        return 0
    print("No Chromium here; trying Playwright's download.", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if browser():
        return 0
    install_package("chromium")
    if browser():
        return 0
    print("No Chromium can be had: install one for the browser tests.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

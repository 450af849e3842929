"""The page of one recording, by keyboard, while it is worked on."""

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import accessibility
from tests.running import Site
from tests.site.people import sign_in
from tests.speech import recordings


@pytest.fixture
def working(site: Site, page: Page, tmp_path: Path) -> Page:
    """The page of a recording that is being transcribed."""
    identifier = str(uuid.uuid4())
    path = recordings.write(tmp_path / "lecture.wav", recordings.long_speech(600))
    site.upload(path, taskId=identifier)
    sign_in(page.context, site)
    page.goto(f"{site.url}/jobs/{identifier}")
    expect(page.locator(".badge")).to_have_text("working", timeout=15_000)
    return page


def test_to_cancel_what_is_being_transcribed_asks_first(working: Page) -> None:
    button = working.get_by_role("button", name="Cancel …")
    dialog = working.get_by_role("dialog", name="Cancel this transcription?")
    button.press("Enter")
    expect(dialog).to_contain_text("lecture.wav")
    expect(working.get_by_role("button", name="Keep going")).to_be_focused()
    assert accessibility.problems(working) == []
    working.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    expect(working.locator(".badge")).to_have_text("working")
    button.press("Enter")
    working.keyboard.press("Tab")
    working.keyboard.press("Enter")
    expect(working.locator(".badge")).to_have_text("cancelled", timeout=15_000)


def test_what_the_browser_cannot_play_is_said_so(site: Site, page: Page, tmp_path: Path) -> None:
    identifier = str(uuid.uuid4())
    site.upload(recordings.write(tmp_path / "old.wma", recordings.speech()), taskId=identifier)
    site.wait_for_task(identifier)
    sign_in(page.context, site)
    page.goto(f"{site.url}/jobs/{identifier}")
    expect(page.get_by_text("This browser can't play the recording.")).to_be_visible()
    expect(page.locator("#media")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download it").click()
    assert download.value.suggested_filename == "old.wma"

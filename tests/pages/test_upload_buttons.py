"""The buttons of uploads, pressed twice, offline, after failures and after a login elsewhere."""

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.sending import button, choose, enter, large, listed, slow_down
from tests.running import Site, wait_for
from tests.site.people import sign_in, signed_in
from tests.speech import recordings

TWICE = "button => { button.click(); setTimeout(() => button.click(), 300); }"
LINE = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 3e5}


def written(folder: Path, *names: str, seconds: float = 0.5) -> list[Path]:
    sound = recordings.silence(seconds)
    return [recordings.write(folder / name, sound) for name in names]


def test_cancel_pressed_twice_ends_one_upload_only(site: Site, page: Page, tmp_path: Path) -> None:
    """And who resumes behind others waits for its turn again, and says so."""
    enter(page, site)
    slow_down(page, 3e5)
    choose(page, *written(tmp_path, *(f"{number}.wav" for number in range(1, 6)), seconds=100))
    rows = page.locator("#sending li")
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_contain_text("left", timeout=15_000)
    waiting = rows.nth(2).get_by_role("button", name="Cancel: 3.wav")
    box = waiting.bounding_box()
    assert box
    waiting.dblclick()
    expect(rows).to_have_count(4)
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down(click_count=2)  # a slower double click, over the row that has moved up
    page.mouse.up(click_count=2)
    page.wait_for_timeout(300)  # longer than a row stays behind its file
    expect(page.get_by_role("dialog")).to_be_hidden()
    names = page.locator("#sending li [data-field=name]")
    expect(names).to_have_text(["1.wav", "2.wav", "4.wav", "5.wav"])
    button(page, "Pause").first.click()
    expect(rows.nth(2)).not_to_contain_text("Waiting for its turn")
    button(page, "Resume").click()
    expect(rows.first).to_contain_text("Waiting for its turn")
    page.get_by_role("button", name="Cancel all").click()
    page.get_by_role("button", name="Cancel the uploads").click()
    expect(rows).to_have_count(0)
    wait_for(lambda: not any(listed(site, f"{number}.wav") for number in range(1, 6)))


def test_retry_pressed_twice_after_a_login_elsewhere_sends_once(
    site: Site, page: Page, tmp_path: Path
) -> None:
    """Two that are retried leave their places in the queue to the next ones."""
    enter(page, site)
    expect(page.get_by_role("button", name="browse files")).to_be_visible()
    page.context.clear_cookies()  # as a login in another tab does: this page's token is worthless
    again = signed_in(site).cookies.items()
    page.context.add_cookies(
        [{"name": name, "value": value, "url": site.url} for name, value in again]
    )
    choose(page, *written(tmp_path, "one.wav", "two.wav", seconds=30))
    rows = page.locator("#sending li")
    failed = rows.filter(has_text="Log in if needed, then press Retry")
    expect(failed).to_have_count(2)
    session = slow_down(page, 3e5)
    for left in (1, 0):
        button(page, "Retry").first.evaluate(TWICE)
        expect(failed).to_have_count(left)
    page.wait_for_timeout(500)  # the second press comes while the file is on its way
    session.detach()
    notes = page.locator("#upload-notes")
    expect(notes).to_contain_text("2 recordings are uploaded.", timeout=20_000)
    choose(page, *written(tmp_path, "three.wav"))
    expect(notes).to_contain_text("three.wav is uploaded.", timeout=15_000)


def test_cancel_deletes_what_was_sent_whatever_became_of_it(
    site: Site, page: Page, tmp_path: Path
) -> None:
    """A failed upload is unknown to Uppy; offline it is told, and done when the network is back."""
    enter(page, site)
    session = slow_down(page, 3e5)
    choose(page, large(tmp_path))
    row = page.locator("#sending li", has_text="meeting.wav")
    expect(row).to_contain_text("left", timeout=15_000)
    page.evaluate("Object.defineProperty(navigator, 'onLine', {value: false, configurable: true})")
    page.wait_for_timeout(300)
    expect(row).not_to_contain_text("You are offline")  # while bytes flow
    page.evaluate("delete navigator.onLine")
    button(page, "Pause").click()
    wait_for(lambda: listed(site, "meeting.wav") != [])
    page.context.clear_cookies()
    button(page, "Resume").click()
    expect(row).to_contain_text("You are logged out")
    sign_in(page.context, site)
    session.send("Network.emulateNetworkConditions", {"offline": True, **LINE})
    button(page, "Cancel").click()
    page.get_by_role("button", name="Cancel the upload").click()
    expect(row).to_have_count(0)
    note = page.locator("#upload-notes li", has_text="meeting.wav: what was sent is still on the")
    expect(note).to_contain_text("It is deleted when you are back online.")
    assert listed(site, "meeting.wav") != []
    session.send("Network.emulateNetworkConditions", {"offline": False, **LINE})
    expect(note).to_have_count(0)
    assert listed(site, "meeting.wav") == []
    stored = "Object.keys(localStorage).filter(key => key.startsWith('tus::'))"
    assert page.evaluate(stored) == []


def test_new_files_do_not_wait_for_one_that_failed(site: Site, page: Page, tmp_path: Path) -> None:
    """Nor is it a mistake to drop that one again: it is retried."""
    enter(page, site)
    stuck: list[Route] = []

    def hinder(route: Route) -> None:
        """The disk is full for the first file; then the site is slow to say so."""
        name = base64.b64encode(b"first.wav").decode()
        if route.request.method != "POST" or name not in route.request.headers["upload-metadata"]:
            route.continue_()
            return
        stuck.append(route)
        if len(stuck) == 1:
            route.fulfill(status=507, body="The disk is full.")

    page.route("**/uploads/files/", hinder)
    first, second = written(tmp_path, "first.wav", "second.wav")
    choose(page, first)
    rows = page.locator("#sending li")
    expect(rows).to_contain_text("The disk is full.")
    choose(page, first, second)
    expect(page.locator("#jobs li", has_text="second.wav")).to_be_visible(timeout=15_000)
    assert len(stuck) == 2
    expect(page.locator("#upload-notes li")).to_have_count(0)
    stuck[1].continue_()
    notes = page.locator("#upload-notes li")
    expect(notes).to_have_text([re.compile("2 recordings are uploaded.")])


@pytest.mark.proof
def test_what_was_paused_before_a_reload_is_deleted_when_cancelled(
    site: Site, page: Page, tmp_path: Path
) -> None:
    enter(page, site)
    slow_down(page, 3e5)
    choose(page, large(tmp_path))
    row = page.locator("#sending li", has_text="meeting.wav")
    expect(row).to_contain_text("left", timeout=15_000)
    button(page, "Pause").click()
    expect(row).to_contain_text("Paused")
    page.wait_for_timeout(1000)  # Uppy writes down now and then what it does
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(row).to_contain_text("Paused", timeout=15_000)
    assert listed(site, "meeting.wav") != []
    button(page, "Cancel").click()
    page.get_by_role("button", name="Cancel the upload").click()
    expect(row).to_have_count(0)
    wait_for(lambda: not listed(site, "meeting.wav"))
